//! SparseLoCo's wire side: error feedback, top-k, 2-bit quantiser, index coding, submission container, aggregation, outer step.
