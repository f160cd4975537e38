//! Gauntlet validation as pure functions: checks, scores, ratings, slashing, weights.
