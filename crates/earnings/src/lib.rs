//! What was earned, exactly, and the receipts of the rounds it was earned with.
