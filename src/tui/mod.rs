//! The console: a client process on the control socket, local or far away.
//!
//! One model, changed only by the pure `update`; views are functions of the model. This process is
//! never part of the engine: it can be killed at any instant and nothing but the picture is lost.

pub(crate) mod model;

pub(crate) mod action;
pub(crate) mod msg;
pub(crate) mod update;

pub(crate) mod input;
pub(crate) mod link;
pub(crate) mod term;

pub(crate) mod console;

pub(crate) mod screenshot;
pub(crate) mod svg;
pub(crate) mod theme;
pub(crate) mod view;
pub(crate) mod widget;
