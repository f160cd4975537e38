//! A curve in one line of text.

/// Eight heights of a block, lowest first.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The newest `width` values, the smallest as the lowest block. A value that is not finite is a gap; equal values are a
/// flat line in the middle, so that noise does not look like news.
pub fn sparkline(values: &[f64], width: usize) -> String {
    let newest = &values[values.len().saturating_sub(width)..];
    let finite = || newest.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let top = (BLOCKS.len() - 1) as f64;
    let block = |value: f64| {
        if !value.is_finite() {
            return ' ';
        }
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        // A share of two huge numbers may be NaN: the cast makes it 0.
        BLOCKS[((share * top).round() as usize).min(BLOCKS.len() - 1)]
    };
    newest.iter().map(|value| block(*value)).collect()
}
