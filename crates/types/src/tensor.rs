//! A parameter tensor's name and shape.

use serde::{Deserialize, Serialize};

/// One named parameter, in the order of the flat parameter buffer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// Hugging Face name, for example `model.layers.0.mlp.up_proj.weight`.
    pub name: String,
    /// One or two dimensions, row-major.
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the tensor has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
