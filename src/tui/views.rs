//! The registry of views: a line for each, with its file in `view` and the panels it is made of.
//!
//! The file says in `VIEW` what the view is called and where each panel's rows come from, and draws it
//! in `draw`. From the line follow its number and with that its key, tab, breadcrumb, help, palette
//! and manual; from a panel's rows the cursor, marks, filter, order, pointer and copying.

use ratatui::layout::Rect;

use super::model::panel::ViewFacts;
use super::view;
use super::view::canvas::Canvas;

macro_rules! views {
    ($($view:ident: $file:ident [$($panel:ident),+ $(,)?],)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum View {
            $($view),+
        }

        /// A list (or a log) that can take the focus; each keeps its own cursor, filter and order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Panel {
            $($($panel),+),+
        }

        impl View {
            pub(crate) const ALL: [Self; [$(Self::$view),+].len()] = [$(Self::$view),+];

            pub(crate) const fn facts(self) -> &'static ViewFacts {
                match self {
                    $(Self::$view => &view::$file::VIEW),+
                }
            }

            /// Every panel of the view that can take the focus, in order of reading.
            pub(crate) const fn panels(self) -> &'static [Panel] {
                match self {
                    $(Self::$view => &[$(Panel::$panel),+]),+
                }
            }

            /// Draws it into the area.
            pub(super) fn draw(self, canvas: &mut Canvas, area: Rect) {
                match self {
                    $(Self::$view => view::$file::draw(canvas, area)),+
                }
            }
        }

        impl Panel {
            pub(crate) const ALL: [Self; [$($(Self::$panel),+),+].len()] = [$($(Self::$panel),+),+];

            pub(crate) const fn view(self) -> View {
                match self {
                    $($(Self::$panel)|+ => View::$view),+
                }
            }
        }

        $(const _: () = assert!(
            view::$file::VIEW.panels.len() == View::$view.panels().len(),
            "a view's file describes the panels of its line, in their order"
        );)+
    };
}

views! {
    Overview: overview [Attention, Upstreams, Workers, Programs, Events],
    Backends: backends [BackendTable],
    Balance: balance [BalanceTable],
    Programs: programs [ProgramTable, ProgramLog],
    Workers: workers [WorkerTable, ServerTable, LimitTable],
    Requests: requests [RequestTable, AlarmTable],
    Logs: logs [AllLogs],
    Events: events [EventTable],
    Config: config [ConfigTable, ConfigLines],
}
