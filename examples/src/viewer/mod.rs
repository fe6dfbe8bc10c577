//! A client of VidsRUS.
