//! A [P, n] map of pairs of tokens by dimensions or neurons.

use egui::{Ui, Vec2};

use super::{Twin, three_values};
use crate::app::state::Focus;
use crate::trace::Site;
use crate::views::ViewContext;
use crate::widgets::{Heatmap, HeatmapTexture, Scale};

/// What the columns are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    Dimension,
    Neuron,
}

impl Axis {
    fn title(self) -> &'static str {
        match self {
            Self::Dimension => "dimension",
            Self::Neuron => "neuron",
        }
    }

    fn of(self, focus: Focus) -> Option<usize> {
        match self {
            Self::Dimension => focus.dimension,
            Self::Neuron => focus.neuron,
        }
    }
}

/// What is painted.
pub struct RowsMap<'a> {
    pub twin: &'a Twin,
    pub name: &'a str,
    /// Changes whenever the values do.
    pub key: u64,
    pub axis: Axis,
    pub site: Site,
    /// [P, n]
    pub values: &'a [f32],
    /// n
    pub size: usize,
    pub scale: Scale,
    pub fit: Vec2,
    /// False where a map beside it names the rows.
    pub labels: bool,
    pub dimmed: bool,
    /// What A (0) and B (1) have at a token and a column.
    pub both: &'a dyn Fn(usize, usize, usize) -> f64,
}

impl RowsMap<'_> {
    pub fn ui(&self, ui: &mut Ui, cx: &mut ViewContext<'_>, texture: &mut HeatmapTexture) {
        let (twin, size) = (self.twin, self.size);
        let pairing = &twin.pairing;
        let column = |focus| self.axis.of(focus).filter(|&column| column < size);
        let locked = cx.locked;
        let locked = twin.focused(locked)[0].zip(column(locked));
        let map = Heatmap::new(
            self.name,
            self.key,
            twin.len(),
            size,
            self.values,
            self.scale,
        )
        .column_axis(self.axis.title())
        .fit(self.fit)
        .focus_row(twin.focused(cx.focus)[0])
        .focus_column(column(cx.focus))
        .locked(locked)
        .dimmed(self.dimmed)
        .tooltip(false);
        let map = match self.labels {
            true => map
                .row_labels(&pairing.labels)
                .secondary_rows(&pairing.special),
            false => map,
        };
        let out = map.ui(ui, texture);
        let focus = |cell| self.focus(cell);
        let row = out.hovered_row.map(|row| twin.focus_on(row));
        if !self.dimmed {
            let hovered = out.hovered.map(focus).or(row);
            cx.point(hovered, out.clicked.map(focus));
        }
        if let Some((pair, column)) = out.hovered
            && let Some(&[i, j]) = pairing.pairs.get(pair)
        {
            let values = three_values((self.both)(0, i, column), (self.both)(1, j, column));
            let (token, axis) = (twin.token(pair), self.axis.title());
            let text = format!("{token}, {axis} {column}\n{values}\n{}", self.name);
            out.response.on_hover_text_at_pointer(text);
        }
    }

    fn focus(&self, (pair, column): (usize, usize)) -> Focus {
        let focus = Focus {
            site: Some(self.site),
            ..self.twin.focus_on(pair)
        };
        match self.axis {
            Axis::Dimension => Focus {
                dimension: Some(column),
                ..focus
            },
            Axis::Neuron => Focus {
                neuron: Some(column),
                ..focus
            },
        }
    }
}
