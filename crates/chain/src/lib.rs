//! trait ChainBackend and the embedded ledger with Yuma consensus.
