//! What the fuzz targets do with their input, as plain functions.
//!
//! Each module turns bytes into inputs of one part of `mcp-core` and asserts what must hold
//! whatever the bytes are. The targets in `fuzz_targets/` only call them; the tests here replay
//! the seeds, so that a stable compiler without sanitizers checks them too.

pub mod decode;
pub mod lines;
mod sent;
pub mod session_client;
pub mod session_server;

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn replay(target: &str, run: fn(&[u8])) {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        let mut replayed = 0;
        for seed in std::fs::read_dir(seeds).unwrap() {
            run(&std::fs::read(seed.unwrap().path()).unwrap());
            replayed += 1;
        }
        assert!(replayed > 0, "there are no seeds");
    }

    #[test]
    fn seeds_of_decode_pass() {
        replay("decode", crate::decode::run);
    }

    #[test]
    fn seeds_of_lines_pass() {
        replay("lines", crate::lines::run);
    }

    #[test]
    fn seeds_of_session_server_pass() {
        replay("session_server", crate::session_server::run);
    }

    #[test]
    fn seeds_of_session_client_pass() {
        replay("session_client", crate::session_client::run);
    }
}
