//! An in-memory cluster: scheduler, and later controllers and kubelet.
