// What libtorch offers and tch does not bind. Every function catches all exceptions and returns NULL, or a message
// allocated with malloc that the caller gives back to tx_free: nothing may unwind into Rust.
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

namespace {

char* message_of(const char* text) {
  const std::size_t bytes = std::strlen(text) + 1;
  char* copy = static_cast<char*>(std::malloc(bytes));
  if (copy == nullptr) std::abort();  // a null result would read as success
  std::memcpy(copy, text, bytes);
  return copy;
}

template <typename Body>
char* guarded(Body&& body) {
  try {
    body();
    return nullptr;
  } catch (const std::exception& error) {
    return message_of(error.what());
  } catch (...) {
    return message_of("unknown C++ exception");
  }
}

std::vector<at::Tensor> list_of(at::Tensor* const* tensors, int count) {
  std::vector<at::Tensor> list;
  list.reserve(count);
  for (int i = 0; i < count; ++i) list.push_back(*tensors[i]);
  return list;
}

at::DeviceAllocator* cuda_allocator() { return at::getDeviceAllocator(at::kCUDA); }

}  // namespace

extern "C" {

void tx_free(char* text) { std::free(text); }

char* tx_fused_adamw(at::Tensor* const* params, at::Tensor* const* grads, at::Tensor* const* first,
                     at::Tensor* const* second, at::Tensor* const* steps, int count, double lr, double beta1,
                     double beta2, double weight_decay, double eps) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    at::_fused_adamw_(list_of(params, count), list_of(grads, count), list_of(first, count), list_of(second, count),
                      /*max_exp_avg_sqs=*/{}, list_of(steps, count), lr, beta1, beta2, weight_decay, eps,
                      /*amsgrad=*/false, /*maximize=*/false, std::nullopt, std::nullopt);
  });
}

char* tx_set_grad(at::Tensor* tensor, at::Tensor* grad) {
  return guarded([&] { tensor->mutable_grad() = *grad; });
}

char* tx_backward(at::Tensor* output, at::Tensor* output_grad) {
  return guarded([&] { output->backward(*output_grad); });
}

// level: 0 off, 1 deterministic kernels where there are any, 2 an error where there are none.
char* tx_set_deterministic(int level) {
  return guarded([&] {
    at::globalContext().setDeterministicAlgorithms(level != 0, /*warn_only=*/level == 1);
    // Filling fresh memory with NaN finds reads before writes; it costs a pass over every new tensor.
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  });
}

char* tx_set_threads(int intra_op, int inter_op) {
  return guarded([&] {
    at::set_num_threads(intra_op);
    at::set_num_interop_threads(inter_op);
  });
}

// out: allocated now, allocated peak, reserved now, reserved peak, device free, device total; bytes.
char* tx_cuda_memory(int device, int64_t* out) {
  return guarded([&] {
    auto* allocator = cuda_allocator();
    const auto stats = allocator->getDeviceStats(static_cast<c10::DeviceIndex>(device));
    const auto free_total = allocator->getMemoryInfo(static_cast<c10::DeviceIndex>(device));
    out[0] = stats.allocated_bytes[0].current;
    out[1] = stats.allocated_bytes[0].peak;
    out[2] = stats.reserved_bytes[0].current;
    out[3] = stats.reserved_bytes[0].peak;
    out[4] = static_cast<int64_t>(free_total.first);
    out[5] = static_cast<int64_t>(free_total.second);
  });
}

char* tx_cuda_empty_cache() {
  return guarded([] { cuda_allocator()->emptyCache(); });
}

char* tx_cuda_init() {
  return guarded([] { at::globalContext().lazyInitDevice(at::kCUDA); });
}

// Asks the dispatcher, not CUDA: safe before the CUDA half is loaded and without a driver.
char* tx_has_cuda_kernel(const char* name, const char* overload, int* out) {
  return guarded([&] {
    const auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    *out = handle.hasKernelForDispatchKey(c10::DispatchKey::CUDA) ? 1 : 0;
  });
}

}  // extern "C"
