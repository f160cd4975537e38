//! Bittensor as a chain: reads, typed extrinsics and pay-outs over an untrusted node.
