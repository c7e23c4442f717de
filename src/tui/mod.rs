//! The console: a client process on the control socket, local or far away.
//!
//! One model, changed only by the pure `update`; views are functions of the model. This process is
//! never part of the engine: it can be killed at any instant and nothing but the picture is lost.
//!
//! **An action** is a line of the registry (`action::DEEDS`: its name, keys, place, danger, words) and
//! an arm of `update::actions::perform`; an order to the engine gets its command in `action::order`
//! instead. Footer, help, palette, the manual and the operator's own keys follow from the line. The
//! compiler asks for the arm, `action::tests` for a key of its own.
//!
//! **A view** is a file of `view` and a line of the registry `views`. The file says what the view is
//! called (`VIEW`), where each panel's rows come from, and draws them (`draw`). The line names the file
//! and the panels. Number key, tab, help, palette, manual, cursor, marks, filter, order and pointer
//! follow; the compiler asks for what the file lacks. Rows of a kind that nothing else knows of are
//! `model::record`s: cells by name.
//!
//! **A theme** is a file in `themes`, a sign a line of `theme::glyph` for each tier. What an operator
//! may set for good is a field of `settings`.

pub(crate) mod model;

pub(crate) mod action;
pub(crate) mod msg;
pub(crate) mod update;

pub(crate) mod home;
pub(crate) mod memory;
pub(crate) mod settings;

pub(crate) mod input;
pub(crate) mod link;
pub(crate) mod term;

pub(crate) mod console;
mod pace;

pub(crate) mod export;
pub(crate) mod screenshot;
pub(crate) mod svg;
pub(crate) mod theme;
pub(crate) mod view;
pub(crate) mod views;
pub(crate) mod widget;
