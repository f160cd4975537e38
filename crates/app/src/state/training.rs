//! What the model says and what this computer moved.
//!
//! In: its own events. Out: the newest figures, lamps, layers and samples. Texts and lists are cut to what a screen shows.

use super::run::{cut, lamps};
use ipc::{Event, MAX_LAYERS, MAX_SAMPLE_CHARS, SampleWhen};
use types::Round;
use view_model::{LayerHeat, Sample, StepFigures, TrainingView};

/// Characters of a layer's name.
const MAX_LAYER_CHARS: usize = 128;

/// The Training screen beside its charts.
#[derive(Debug, Default)]
pub(crate) struct Training {
    view: TrainingView,
    /// Moved by processes of this run that are gone: each counts from its own beginning.
    moved_before: u64,
    moved_now: u64,
}

impl Training {
    /// One of this computer's own events.
    pub(crate) fn take(&mut self, event: &Event) {
        match event {
            Event::InnerStepDone { loss, tokens_per_sec, lr, grad_norm, .. } => {
                let known = |value: f64| value.is_finite().then_some(value);
                self.view.now = StepFigures {
                    loss: known(*loss),
                    tokens_per_sec: known(*tokens_per_sec),
                    lr: known(*lr),
                    grad_norm: grad_norm.and_then(known),
                };
            }
            Event::Lamps { round, lamps: said } => {
                (self.view.lamps, self.view.lamps_round) = (lamps(said), Some(*round));
            }
            Event::LayersMoved { round, layers, parameters_moved_total } => {
                self.view.layers = layers.iter().take(MAX_LAYERS).map(heat).collect();
                self.view.layers_round = Some(*round);
                // A counter that goes back is another process's.
                if *parameters_moved_total < self.moved_now {
                    self.moved_before = self.moved_before.saturating_add(self.moved_now);
                }
                self.moved_now = *parameters_moved_total;
            }
            Event::Sample { round, when, prompt, text } => self.sample(*round, *when, prompt, text),
            _ => {}
        }
    }

    fn sample(&mut self, round: Round, when: SampleWhen, prompt: &str, text: &str) {
        let told = |text: &str| text.chars().filter(|c| !c.is_control() || *c == '\n').take(MAX_SAMPLE_CHARS).collect();
        let sample = Sample { round, prompt: told(prompt), text: told(text) };
        match when {
            SampleWhen::Joined => self.view.sample_then = Some(sample),
            SampleWhen::Now => self.view.sample_now = Some(sample),
        }
    }

    /// The process has gone: it has no speed any more.
    pub(crate) fn end(&mut self) {
        self.view.now.tokens_per_sec = None;
        self.moved_before = self.moved_before.saturating_add(std::mem::take(&mut self.moved_now));
    }

    /// For the window.
    pub(crate) fn view(&self) -> TrainingView {
        TrainingView { moved_total: self.moved_before.saturating_add(self.moved_now), ..self.view.clone() }
    }
}

fn heat(layer: &ipc::LayerMoved) -> LayerHeat {
    LayerHeat {
        name: cut(&layer.name, MAX_LAYER_CHARS),
        moved: layer.moved,
        of: layer.of,
        share: layer.share.filter(|share| share.is_finite()).map(|share| share.clamp(0.0, 1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(total: u64) -> Event {
        let layer = ipc::LayerMoved { name: "wte".to_owned(), moved: total, of: 100, share: Some(7.0) };
        Event::LayersMoved { round: Round(1), layers: vec![layer; MAX_LAYERS + 1], parameters_moved_total: total }
    }

    #[test]
    fn what_was_moved_before_a_restart_counts() {
        let mut training = Training::default();
        training.take(&moved(10));
        training.take(&moved(25));
        training.end();
        training.take(&moved(4));
        let view = training.view();
        assert_eq!((view.moved_total, view.layers.len(), view.layers[0].share), (29, MAX_LAYERS, Some(1.0)));
    }

    #[test]
    fn a_loss_that_is_no_number_is_unknown() {
        let mut training = Training::default();
        let step = Event::InnerStepDone {
            round: Round(1),
            step: 1,
            of: 2,
            loss: f64::NAN,
            tokens_per_sec: 5.0,
            lr: 1e-3,
            grad_norm: Some(f64::INFINITY),
        };
        training.take(&step);
        let now = training.view().now;
        assert_eq!((now.loss, now.tokens_per_sec, now.grad_norm), (None, Some(5.0), None));
    }
}
