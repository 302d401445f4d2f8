//! The only room in which the order of the phases is written; the library's front door.
