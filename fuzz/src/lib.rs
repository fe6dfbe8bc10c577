//! What the fuzz targets do with their input, as plain functions.
//!
//! Each module turns bytes into inputs of one part of `mcp-core`, `mcp-auth` or `mcp-server` and asserts what must hold
//! whatever the bytes are. The targets in `fuzz_targets/` only call them; the tests here replay
//! the seeds, so that a stable compiler without sanitizers checks them too.

pub mod auth;
mod auth_head;
pub mod decode;
pub mod headers;
pub mod lines;
mod sent;
pub mod session_client;
pub mod session_server;
pub mod sse;

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
    fn seeds_of_auth_pass() {
        replay("auth", crate::auth::run);
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
    fn seeds_of_sse_pass() {
        replay("sse", crate::sse::run);
    }

    #[test]
    fn seeds_of_headers_pass() {
        replay("headers", crate::headers::run);
    }

    #[test]
    fn seeds_of_session_server_pass() {
        replay("session_server", crate::session_server::run);
    }

    #[test]
    fn seeds_of_session_client_pass() {
        replay("session_client", crate::session_client::run);
    }

    /// Steps that are well-formed, in any order: they get further than what a fuzzer begins with.
    fn wander(run: fn(&[u8]), letters: &[u8], templates: u8) {
        let mut state = 1_u64;
        let mut roll = |sides: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            u8::try_from((state >> 33) % sides).unwrap()
        };
        for _ in 0..3_000 {
            let mut script = vec![b'0' + roll(32)];
            for _ in 0..24 {
                match roll(2) {
                    0 => {
                        script.extend([b'T', b'a' + roll(templates.into()), b'0' + roll(4), b'\n'])
                    }
                    _ => {
                        let letter = letters[usize::from(roll(letters.len() as u64))];
                        script.extend([letter, b'0' + roll(4), b'\n']);
                    }
                }
            }
            run(&script);
        }
    }

    #[test]
    fn any_order_of_steps_of_session_server_passes() {
        wander(crate::session_server::run, b"AAEXGGMMQQNNPW", 27);
    }

    #[test]
    fn any_order_of_steps_of_session_client_passes() {
        wander(crate::session_client::run, b"RRRRXDAF", 28);
    }
}
