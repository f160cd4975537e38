//! The process that opens a wallet and signs typed requests, and the wallet's command line.
