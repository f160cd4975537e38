//! The loss: mine by time, and the run's, whose rounds are laid on the same time.

use crate::model::Curve;
use crate::scene::Scene;
use crate::widgets::{Axis, Chart, caption, card};
use egui::Ui;
use types::Round;
use view_model::{AppSnapshot, Series, Tone, loss_sentence, units};

/// The run's held-out loss on the axis of time, kept until a round is added.
#[derive(Default)]
pub(crate) struct RunLine {
    key: Option<(usize, usize, Option<Round>)>,
    curve: Curve,
}

impl RunLine {
    /// Held-out losses at the time at which their round ended, as far as that is known.
    fn of(&mut self, app: &AppSnapshot) -> &Curve {
        let (losses, tiles) = (&app.run.eval_losses, &app.rounds);
        let key = Some((losses.len(), tiles.len(), losses.last().map(|loss| loss.round)));
        if self.key != key {
            let at = |round: Round| tiles.iter().find(|tile| tile.round == round).map(|tile| tile.at_ms as f64);
            let points: Vec<_> = losses.iter().filter_map(|loss| Some([at(loss.round)?, loss.loss])).collect();
            self.curve = Curve::default();
            self.curve.take(0, &points);
            self.key = key;
        }
        &self.curve
    }
}

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, line: &mut RunLine) {
    let (palette, app) = (scene.palette, scene.app());
    let mine = scene.model.series(Series::Loss);
    let run = line.of(app);
    card(ui, palette, &scene.text("home-loss"), |ui| {
        Chart::new(&scene.text("home-loss"), Axis::Time, units::loss)
            .dots(scene.text("loss-of-run"), run, palette.tone(Tone::Neutral))
            .line(scene.text("loss-of-mine"), mine, palette.accent_text)
            .show(ui, scene);
        if let Some(sentence) = loss_sentence(&app.run, scene.locale) {
            caption(ui, palette, &sentence);
        }
    });
}
