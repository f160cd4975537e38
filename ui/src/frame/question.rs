//! A press that takes something away is asked about first. Escape, a press beside it, and Cancel all mean no.

use crate::design_tokens::{LINE, RADIUS, SPACE_L, SPACE_M, SPACE_XL};
use crate::scene::{Question, Scene};
use crate::widgets::{Button, Kind, heading, tone_line};
use egui::{Align, Frame, Id, Layout, Margin, Modal, Stroke, Ui};

/// Widest question.
const WIDTH: f32 = 440.0;

/// Draws the question, if there is one; an answer takes it away.
pub(crate) fn question(ui: &mut Ui, scene: &mut Scene<'_>, open: &mut Option<Question>) {
    let id = Id::unique("question");
    let Some(asked) = open.as_ref() else { return give_back(ui, id) };
    let palette = scene.palette;
    let frame = Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(LINE, palette.border))
        .corner_radius(RADIUS)
        .inner_margin(Margin::same(SPACE_XL as i8));
    let mut answered: Option<Option<usize>> = None;
    let room = ui.ctx().content_rect().width() - 4.0 * SPACE_L;
    let modal = Modal::new(id).frame(frame).backdrop_color(palette.veil).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(room));
        heading(ui, palette, &asked.title);
        ui.add_space(SPACE_M);
        tone_line(ui, palette, asked.tone, &asked.body);
        ui.add_space(SPACE_L);
        ui.with_layout(Layout::right_to_left(Align::Min).with_main_wrap(true), |ui| {
            for (n, (label, kind, _)) in asked.answers.iter().enumerate().rev() {
                if Button::new(label, *kind).show(ui, palette).clicked() {
                    answered = Some(Some(n));
                }
            }
            let cancel = Button::new(&scene.text("question-cancel"), Kind::Quiet).show(ui, palette);
            if cancel.clicked() {
                answered = Some(None);
            }
            // The keyboard is in the question, on the answer that changes nothing; later it goes back.
            if ui.ctx().data(|data| data.get_temp::<Option<Id>>(id)).is_none() {
                let before = ui.ctx().memory(|memory| memory.focused());
                ui.ctx().data_mut(|data| data.insert_temp(id, before));
                cancel.request_focus();
            }
        });
    });
    if answered.is_none() && modal.should_close() {
        answered = Some(None);
    }
    let Some(answer) = answered else { return };
    ui.ctx().request_repaint();
    let Some(mut asked) = open.take() else { return };
    if let Some(n) = answer.filter(|n| *n < asked.answers.len()) {
        scene.ask(asked.answers.swap_remove(n).2);
    }
}

/// The question is gone: the keyboard is where it was before.
fn give_back(ui: &Ui, id: Id) {
    let before = ui.ctx().data_mut(|data| data.remove_temp::<Option<Id>>(id)).flatten();
    if let Some(before) = before {
        ui.ctx().memory_mut(|memory| memory.request_focus(before));
    }
}
