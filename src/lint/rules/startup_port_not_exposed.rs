//! `startup-port-not-exposed`: reports a startup probe whose port is none of the ports its container declares.

use crate::lint::context::Context;
use crate::lint::probes;

pub(super) fn check(cx: &Context) {
    probes::undeclared_port(cx, "startupProbe");
}
