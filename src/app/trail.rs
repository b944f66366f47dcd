//! Where the keyboard was, so that it is never lost: what has it may go, or Escape may take it away.

use egui::{Context, Id, Key, LayerId, Order, Rect, WidgetRect};

/// What had the keyboard last.
#[derive(Default)]
pub struct Trail {
    last: Option<Spot>,
    /// The last of what lies under menus and small windows: what is left once those have closed.
    below: Option<Spot>,
    /// Whether something had it at the end of the last frame.
    held: bool,
    /// Whether it was let go, and what had it is still there.
    free: bool,
    /// Whether it had been let go there when a menu or a small window took it: then it stays so.
    free_below: bool,
}

#[derive(Clone, Copy)]
struct Spot {
    id: Id,
    layer: LayerId,
    rect: Rect,
}

impl Trail {
    /// Where it was last in the window itself.
    pub fn place(&self) -> Option<Rect> {
        self.below.map(|spot| spot.rect)
    }

    /// At the beginning of a frame: Tab goes on from where the keyboard was let go, not from the first menu.
    pub fn resume(&self, ctx: &Context) {
        let Some(spot) = self.last else { return };
        let tab = ctx.input(|input| input.key_pressed(Key::Tab));
        let nobody = ctx.memory(|memory| memory.focused().is_none());
        if tab && nobody && before(ctx, spot.id) {
            ctx.memory_mut(|memory| {
                if memory.allows_interaction(spot.layer) {
                    memory.request_focus(spot.id);
                }
            });
        }
    }

    /// At the end of a frame. Where `by_key`, what stands nearest has the keyboard once what had it is gone,
    /// and where it `stays` Escape, which has ended something else, leaves it where it is.
    pub fn follow(&mut self, ctx: &Context, by_key: bool, stays: bool) {
        if ctx.will_discard() {
            return;
        }
        let focused = ctx.memory(|memory| memory.focused());
        let held = std::mem::replace(&mut self.held, focused.is_some());
        if let Some(spot) = focused.and_then(|id| painted(ctx, id)) {
            match spot.layer.order == Order::Background {
                true => (self.below, self.free_below) = (Some(spot), false),
                false => self.free_below |= self.free,
            }
            (self.last, self.free) = (Some(spot), false);
            return;
        }
        let Some(last) = self.last else { return };
        // Something that is not there yet is to have it.
        let promised = focused.is_some_and(|id| id != last.id);
        if promised || !by_key {
            return;
        }
        let next = match painted(ctx, last.id) {
            Some(_) if !(held && stays) => {
                self.free |= last.layer.order == Order::Background;
                return;
            }
            Some(spot) => Some(spot),
            None if self.free => return,
            None => nearest(ctx, last).or_else(|| {
                if self.free_below {
                    return None;
                }
                let below = self.below.filter(|below| below.layer != last.layer)?;
                painted(ctx, below.id).or_else(|| nearest(ctx, below))
            }),
        };
        if let Some(next) = next {
            ctx.memory_mut(|memory| memory.request_focus(next.id));
            (self.last, self.held) = (Some(next), true);
            ctx.request_repaint();
        } else if std::mem::take(&mut self.free_below) {
            (self.last, self.free) = (self.below, true);
        }
    }
}

fn spot(widget: &WidgetRect) -> Spot {
    Spot {
        id: widget.id,
        layer: widget.layer_id,
        rect: widget.interact_rect,
    }
}

/// A widget of this frame that can be used: one that is greyed out gives the keyboard up as one that is gone.
fn painted(ctx: &Context, id: Id) -> Option<Spot> {
    ctx.viewport(|viewport| {
        let widget = viewport.this_pass.widgets.get(id);
        widget.filter(|widget| widget.enabled).map(spot)
    })
}

/// Whether a widget was there in the last frame.
fn before(ctx: &Context, id: Id) -> bool {
    ctx.viewport(|viewport| viewport.prev_pass.widgets.contains(id))
}

/// What takes the keyboard in this frame in the same layer: what is nearest to where `gone` was, and most
/// like it in size, so that the next row's cross comes behind a row's cross.
fn nearest(ctx: &Context, gone: Spot) -> Option<Spot> {
    /// Edges that are dragged are narrower, in points.
    const LEAST: f32 = 7.;
    let takes = |widget: &&WidgetRect| {
        let shown = widget.interact_rect.size().min_elem() >= LEAST;
        widget.enabled && widget.visible && widget.sense.is_focusable() && shown
    };
    let (from, size) = (gone.rect.center(), gone.rect.size());
    ctx.viewport(|viewport| {
        let widgets = viewport.this_pass.widgets.get_layer(gone.layer);
        let far = |widget: &&WidgetRect| {
            let other = (widget.interact_rect.size() - size).abs();
            widget.interact_rect.center().distance(from) + other.x + other.y
        };
        let nearest = widgets
            .filter(takes)
            .min_by(|one, other| far(one).total_cmp(&far(other)));
        nearest.map(spot)
    })
}
