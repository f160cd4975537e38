/* A stand-in for NVIDIA's management library (NVML) and the one entry point of CUDA that the probe calls, for tests.
 *
 * In: variables of the environment of the probe's process, which only that process gets.
 *   COVEY_STUB_SCENARIO  what to be: see `scenario` below; several words, separated by commas.
 *   COVEY_STUB_CARDS     how many cards, 0 to 8; 2 without it.
 *   COVEY_STUB_STATE     a folder that lasts: it counts starts and keeps power limits between processes; a file there
 *                        with a scenario's name switches it on at any time.
 * Out: plausible figures of an RTX 4090 (even cards) and an RTX 3090 (odd ones).
 *
 * cc -shared -fPIC -o nvml_stub.so nvml_stub.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int Return;
enum {
    SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
    INSUFFICIENT_POWER = 8, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15, LIB_RM_VERSION_MISMATCH = 18, UNKNOWN = 999
};

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory2;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } Process;
typedef struct { unsigned version, fan, speed; } FanSpeed;
typedef struct {
    char bus_id_legacy[16]; unsigned domain, bus, device, pci_device_id, pci_subsystem_id; char bus_id[32];
} Pci;

#define MAX_CARDS 8
static int handles[MAX_CARDS];

static int scenario(const char *word) {
    const char *all = getenv("COVEY_STUB_SCENARIO");
    size_t length = strlen(word);
    const char *folder = getenv("COVEY_STUB_STATE");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "", word);
    if (folder && !access(path, F_OK)) return 1;
    while (all && *all) {
        const char *end = strchr(all, ',');
        size_t here = end ? (size_t)(end - all) : strlen(all);
        if (here == length && !strncmp(all, word, length)) return 1;
        all = end ? end + 1 : NULL;
    }
    return 0;
}

/* The number after `word` in the scenario, for example 3 of "appears-at-start-3"; 0 without it. */
static int number_after(const char *word) {
    const char *all = getenv("COVEY_STUB_SCENARIO");
    const char *found = all ? strstr(all, word) : NULL;
    return found ? atoi(found + strlen(word)) : 0;
}

static unsigned count(void) {
    const char *cards = getenv("COVEY_STUB_CARDS");
    int n = cards ? atoi(cards) : 2;
    return n < 0 ? 0 : n > MAX_CARDS ? MAX_CARDS : (unsigned)n;
}

/* Reads and writes one number that lasts between processes. */
static long keep(const char *name, long value, int write) {
    const char *folder = getenv("COVEY_STUB_STATE");
    char path[4096];
    long found = value;
    FILE *file;
    if (!folder) return value;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if ((file = fopen(path, write ? "w" : "r"))) {
        if (write) fprintf(file, "%ld", value);
        else if (fscanf(file, "%ld", &found) != 1) found = value;
        fclose(file);
    }
    return found;
}

static Return start(void) {
    long starts = keep("starts", 0, 0) + 1;
    int code = number_after("init-fails-");
    keep("starts", starts, 1);
    if (scenario("hang-in-init")) for (;;) pause();
    if (scenario("abort-in-init") || starts == number_after("abort-at-start-")) abort();
    if (scenario("prints-on-stdout")) { printf("NVRM: this is no JSON\n{\"line\":\"nonsense\"}\n"); fflush(stdout); }
    if (code) return code;
    if (starts < number_after("appears-at-start-")) return DRIVER_NOT_LOADED;
    return SUCCESS;
}

Return nvmlInitWithFlags(unsigned flags) { (void)flags; return start(); }
#ifndef WITHOUT_INIT
Return nvmlInit_v2(void) { return start(); }
#endif
Return nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(Return code) { (void)code; return "stub"; }

/* CUDA's `cuInit`. */
int cuInit(unsigned flags) { (void)flags; return number_after("cuda-fails-"); }

/* A driver that knows a card's handle and not a single fact of it. */
#ifndef WITHOUT_FACTS

static unsigned long long energy_calls;

static Return text(char *to, unsigned length, const char *from) { snprintf(to, length, "%s", from); return SUCCESS; }

static int index_of(void *card) { return (int)((int *)card - handles); }
/* The order of the cards may change; what a card is does not. */
static int who(void *card) {
    int i = index_of(card);
    return scenario("reordered") ? (int)count() - 1 - i : i;
}
static int is_3090(void *card) { return who(card) % 2; }

/* What every question about a card answers first. */
static Return lost(void *card) {
    if (scenario("hang-in-sample")) for (;;) pause();
    if (scenario("lost") && who(card) == 0) return GPU_IS_LOST;
    return SUCCESS;
}
#define ASK(card) do { Return code = lost(card); if (code) return code; } while (0)

Return nvmlSystemGetDriverVersion(char *to, unsigned length) {
    return text(to, length, scenario("old-driver") ? "560.35.03" : "580.95.05");
}
Return nvmlSystemGetNVMLVersion(char *to, unsigned length) { return text(to, length, "13.580.95"); }
Return nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = scenario("old-driver") ? 12060 : 13000; return SUCCESS; }

Return nvmlDeviceGetName(void *card, char *to, unsigned length) {
    ASK(card);
    if (scenario("long-name")) { memset(to, 'x', length - 1); to[length - 1] = 0; return SUCCESS; }
    if (scenario("old-card")) return text(to, length, "NVIDIA GeForce GTX 1080 Ti");
    if (scenario("small-card")) return text(to, length, "NVIDIA GeForce MX450");
    return text(to, length, is_3090(card) ? "NVIDIA GeForce RTX 3090" : "NVIDIA GeForce RTX 4090");
}
Return nvmlDeviceGetUUID(void *card, char *to, unsigned length) {
    ASK(card);
    snprintf(to, length, "GPU-00000000-0000-0000-0000-%012d", who(card));
    return SUCCESS;
}
Return nvmlDeviceGetPciInfo_v3(void *card, Pci *pci) {
    ASK(card);
    memset(pci, 0, sizeof *pci);
    pci->bus = 1 + (unsigned)who(card);
    snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02X:00.0", pci->bus);
    snprintf(pci->bus_id_legacy, sizeof pci->bus_id_legacy, "0000:%02X:00.0", pci->bus);
    return SUCCESS;
}
Return nvmlDeviceGetMemoryInfo_v2(void *card, Memory2 *memory) {
    ASK(card);
    memory->total = scenario("small-card") ? 2ULL << 30 : is_3090(card) ? 24ULL << 30 : 24564ULL << 20;
    memory->used = is_3090(card) && !scenario("small-card") ? 23ULL << 30 : 1ULL << 30;
    memory->reserved = 400ULL << 20;
    memory->free = memory->total - memory->used - memory->reserved;
    return SUCCESS;
}
Return nvmlDeviceGetCudaComputeCapability(void *card, int *major, int *minor) {
    ASK(card);
    *major = scenario("old-card") || (scenario("one-old-card") && who(card) == 1) ? 6 : 8;
    *minor = *major == 6 ? 1 : is_3090(card) ? 6 : 9;
    return SUCCESS;
}
Return nvmlDeviceGetMigMode(void *card, unsigned *now, unsigned *pending) {
    ASK(card);
    if (!scenario("mig")) return NOT_SUPPORTED;
    *now = *pending = 1;
    return SUCCESS;
}
Return nvmlDeviceGetEccMode(void *card, int *now, int *pending) { (void)card; (void)now; (void)pending; return NOT_SUPPORTED; }

Return nvmlDeviceGetUtilizationRates(void *card, Utilization *rates) {
    ASK(card);
    rates->gpu = is_3090(card) ? 99 : 37;
    rates->memory = rates->gpu / 2;
    return SUCCESS;
}
Return nvmlDeviceGetTemperature(void *card, int sensor, unsigned *celsius) {
    (void)sensor;
    ASK(card);
    *celsius = is_3090(card) ? 83 : 61;
    return SUCCESS;
}
Return nvmlDeviceGetNumFans(void *card, unsigned *fans) { (void)card; *fans = 2; return SUCCESS; }
Return nvmlDeviceGetFanSpeed_v2(void *card, unsigned fan, unsigned *percent) { (void)card; *percent = 42 + fan; return SUCCESS; }
Return nvmlDeviceGetFanSpeedRPM(void *card, FanSpeed *speed) { (void)card; speed->speed = 1260 + 30 * speed->fan; return SUCCESS; }

static long limit_of(void *card, int write, long value) {
    char name[32];
    snprintf(name, sizeof name, "limit-%d", who(card));
    return keep(name, write ? value : is_3090(card) ? 350000 : 450000, write);
}
Return nvmlDeviceGetPowerUsage(void *card, unsigned *mw) { ASK(card); *mw = is_3090(card) ? 349000 : 212000; return SUCCESS; }
Return nvmlDeviceGetEnforcedPowerLimit(void *card, unsigned *mw) { *mw = (unsigned)limit_of(card, 0, 0); return SUCCESS; }
Return nvmlDeviceGetPowerManagementLimit(void *card, unsigned *mw) { *mw = (unsigned)limit_of(card, 0, 0); return SUCCESS; }
Return nvmlDeviceGetPowerManagementDefaultLimit(void *card, unsigned *mw) { *mw = is_3090(card) ? 350000 : 450000; return SUCCESS; }
Return nvmlDeviceGetPowerManagementLimitConstraints(void *card, unsigned *min, unsigned *max) {
    *min = 100000;
    *max = is_3090(card) ? 366000 : 600000;
    return SUCCESS;
}
Return nvmlDeviceSetPowerManagementLimit(void *card, unsigned mw) {
    if (scenario("power-not-permitted")) return NO_PERMISSION;
    if (scenario("power-not-supported")) return NOT_SUPPORTED;
    limit_of(card, 1, (long)mw);
    return SUCCESS;
}
Return nvmlDeviceGetTotalEnergyConsumption(void *card, unsigned long long *mj) {
    (void)card;
    *mj = 1000000ULL + 300000ULL * energy_calls++;
    return SUCCESS;
}
Return nvmlDeviceGetCurrentClocksThrottleReasons(void *card, unsigned long long *reasons) {
    ASK(card);
    *reasons = is_3090(card) ? 0x20ULL | 0x4ULL : 0;
    return SUCCESS;
}
Return nvmlDeviceGetCurrPcieLinkGeneration(void *card, unsigned *v) { (void)card; *v = 4; return SUCCESS; }
Return nvmlDeviceGetCurrPcieLinkWidth(void *card, unsigned *v) { *v = is_3090(card) ? 4 : 16; return SUCCESS; }
Return nvmlDeviceGetMaxPcieLinkGeneration(void *card, unsigned *v) { (void)card; *v = 4; return SUCCESS; }
Return nvmlDeviceGetMaxPcieLinkWidth(void *card, unsigned *v) { (void)card; *v = 16; return SUCCESS; }
Return nvmlDeviceGetClockInfo(void *card, int clock, unsigned *mhz) { (void)card; *mhz = clock == 2 ? 10501 : 2520; return SUCCESS; }

static Return processes(unsigned *n, Process *to, unsigned pid, unsigned long long used) {
    if (*n < 1 || !to) { *n = 1; return INSUFFICIENT_SIZE; }
    memset(to, 0, sizeof *to);
    to->pid = pid;
    to->used = used;
    to->gpu_instance = to->compute_instance = 0xffffffffu;
    *n = 1;
    return SUCCESS;
}
Return nvmlDeviceGetGraphicsRunningProcesses_v3(void *card, unsigned *n, Process *to) {
    if (!is_3090(card)) { *n = 0; return SUCCESS; }
    /* The probe itself plays the game: a process whose name the test knows. */
    return processes(n, to, (unsigned)getpid(), 18ULL << 30);
}
Return nvmlDeviceGetComputeRunningProcesses_v3(void *card, unsigned *n, Process *to) {
    if (is_3090(card)) { *n = 0; return SUCCESS; }
    /* Windows hides the memory, and this process has gone already. */
    return processes(n, to, 4194304u, ~0ULL);
}
#endif

Return nvmlDeviceGetCount_v2(unsigned *n) { *n = count(); return SUCCESS; }
Return nvmlDeviceGetHandleByIndex_v2(unsigned i, void **card) {
    if (i >= count()) return INVALID_ARGUMENT;
    if (scenario("no-power-cable") && i == 0) return INSUFFICIENT_POWER;
    if (scenario("no-handle-lost") && i == 0) return GPU_IS_LOST;
    *card = &handles[i];
    return SUCCESS;
}
