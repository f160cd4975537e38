//! The table of peers: which columns there is room for, and what stands in them.

use super::line::cell;
use locale::Locale;
use types::Uid;
use view_model::{PeerRow, Phase, units, verdict_sentence};

/// A column: its heading, its width in characters, and what it shows of a peer.
struct Column {
    heading: &'static str,
    width: usize,
    show: fn(&PeerRow) -> String,
}

/// From the most to the least important: a narrow screen loses the last ones.
const COLUMNS: [Column; 6] = [
    Column { heading: "peer", width: 12, show: |peer| peer.name.clone() },
    Column { heading: "doing", width: 24, show: doing },
    Column {
        heading: "newest verdict",
        width: 34,
        show: |peer| peer.verdict.as_ref().map_or_else(String::new, |row| verdict_sentence(row, &Locale::english())),
    },
    Column { heading: "credits", width: 10, show: |peer| units::credits(peer.credits) },
    Column { heading: "loss", width: 7, show: |peer| peer.loss.map_or_else(String::new, units::loss) },
    Column {
        heading: "speed",
        width: 12,
        show: |peer| peer.tokens_per_sec.map_or_else(String::new, units::tokens_per_sec),
    },
];

/// Space between two columns.
const GAP: usize = 2;

/// Heading and one line per peer, each at most `width` characters.
pub(crate) fn table(peers: &[PeerRow], width: usize) -> Vec<String> {
    let mut used = 0;
    let shown: Vec<&Column> = COLUMNS
        .iter()
        .take_while(|column| {
            used += column.width + GAP;
            used <= width + GAP
        })
        .collect();
    let row = |text: &dyn Fn(&Column) -> String| {
        let cells: Vec<String> = shown.iter().map(|column| cell(&text(column), column.width)).collect();
        cells.join(&" ".repeat(GAP)).trim_end().to_owned()
    };
    let mut lines = vec![row(&|column| column.heading.to_owned())];
    lines.extend(peers.iter().map(|peer| row(&|column| (column.show)(peer))));
    lines
}

fn doing(peer: &PeerRow) -> String {
    match (peer.phase, peer.step, peer.uid) {
        (None, _, _) => "not there".to_owned(),
        (Some(Phase::Inner), Some(step), _) => format!("training, {} of {} steps", step.done, step.of),
        (Some(Phase::Sync), _, None::<Uid>) => "joining".to_owned(),
        (Some(phase), _, _) => phase.words().to_owned(),
    }
}
