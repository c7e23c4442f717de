//! Instances with real children.
