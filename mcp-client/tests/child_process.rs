//! Real processes: what they inherit, what is read from them, and that nothing
//! of them is left behind.
#![cfg(target_os = "linux")]

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use mcp_client::transport::child_process::{Ending, Exit, RunningChild, ServerOutput};
use mcp_client::transport::{ChildProcess, SpawnError, Stderr};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::runtime::{Builder, Runtime};

#[tokio::test]
async fn program_that_does_not_exist_is_explained() {
    let error = ChildProcess::new("no-such-mcp-server").env("PATH", "/bin:/usr/bin").spawn();
    let text = error.unwrap_err().to_string();
    assert!(
        text.starts_with("no program `no-such-mcp-server` in PATH (/bin, /usr/bin): "),
        "{text}"
    );
}

#[tokio::test]
async fn directory_that_does_not_exist_is_explained() {
    let error = sh("exit").current_dir("/no/such/directory").spawn().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("cannot start in the directory `/no/such/directory`"), "{text}");
}

#[tokio::test]
async fn script_that_cannot_run_is_explained() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server");
    std::fs::write(&path, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = ChildProcess::new("./server").current_dir(folder.path()).spawn().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("asks for `/no/such/interpreter`, which does not exist"), "{text}");
}

#[cfg(target_env = "gnu")] // Other C libraries hand such files to a shell.
#[tokio::test]
async fn script_without_interpreter_line_is_explained() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server");
    std::fs::write(&path, "echo hello\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let text = ChildProcess::new(&path).spawn().unwrap_err().to_string();
    assert!(text.contains("begin it with a line like `#!/bin/sh`"), "{text}");
}

#[test]
fn spawn_outside_a_runtime_is_an_error() {
    assert!(matches!(sh("exit").spawn(), Err(SpawnError::NoRuntime)));
}

#[tokio::test]
async fn environment_is_passed_on_only_as_asked() {
    // Cargo sets this one for tests.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
    let list = |server: ChildProcess| async move { output_of(&server).await };
    let plain = list(sh("env").env("PLAN", "paid")).await;
    assert!(plain.contains("PATH=") && plain.contains("PLAN=paid"), "{plain}");
    assert!(!plain.contains("CARGO"), "{plain}");
    let chosen = list(sh("env").inherit_env(["CARGO_PKG_NAME", "NOT_SET_ANYWHERE"])).await;
    assert!(chosen.contains("CARGO_PKG_NAME=mcp-client"), "{chosen}");
    assert!(!chosen.contains("CARGO_MANIFEST_DIR") && !chosen.contains("NOT_SET"), "{chosen}");
    let all = list(sh("env").inherit_all_env().env_remove("CARGO_PKG_NAME")).await;
    assert!(all.contains("CARGO_MANIFEST_DIR=") && !all.contains("CARGO_PKG_NAME="), "{all}");
}

#[tokio::test]
async fn server_starts_in_its_directory_with_its_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let server = sh("pwd; echo \"$0|$1\"").args(["a b", "$HOME;"]).current_dir(&folder);
    assert_eq!(output_of(&server).await, format!("{}\na b|$HOME;\n", folder.display()));
}

#[tokio::test]
async fn streams_carry_bytes_both_ways() {
    let mut server = sh("exec cat").spawn().unwrap();
    let (mut input, output) = (server.take_input().unwrap(), server.take_output().unwrap());
    assert!(server.take_input().is_none() && server.take_output().is_none());
    let mut lines = BufReader::new(output).lines();
    input.write_all(b"{}\n").await.unwrap();
    assert_eq!(within(lines.next_line()).await.unwrap().as_deref(), Some("{}"));
    input.shutdown().await.unwrap();
    assert_eq!(within(lines.next_line()).await.unwrap(), None);
    assert_eq!(within(server.wait()).await, Exit::Code(0));
}

#[tokio::test]
async fn recipe_can_be_started_again() {
    let recipe = sh("read line; exit 3");
    let (first, second) = (recipe.spawn().unwrap(), recipe.spawn().unwrap());
    assert_ne!(first.id(), second.id());
    let ended = within(first.shutdown(LONG, LONG)).await;
    assert_eq!((ended.exit, ended.by), (Exit::Code(3), Ending::Itself));
    assert_eq!(second.exit_status(), None);
    let ended = within(second.shutdown(LONG, LONG)).await;
    assert_eq!((ended.exit, ended.by), (Exit::Code(3), Ending::Itself));
}

#[tokio::test]
async fn exit_is_reported_together_with_the_last_words() {
    let server = sh("echo 'no licence' >&2; exit 4").spawn().unwrap();
    assert_eq!(within(server.wait()).await, Exit::Code(4));
    assert_eq!(server.exit_status(), Some(Exit::Code(4)));
    assert_eq!(server.stderr_tail(), "no licence\n");
    let killed = sh("kill -9 $$").spawn().unwrap();
    assert_eq!(within(killed.wait()).await, Exit::Signal(9));
}

#[tokio::test]
async fn flood_on_stderr_blocks_nobody_and_keeps_its_end() {
    let script = "head -c 8000000 /dev/zero | tr '\\0' x >&2; printf end >&2; echo done";
    for mode in [Stderr::Kept, Stderr::Tracing] {
        let mut server = sh(script).stderr(mode).stderr_limit(1000).spawn().unwrap();
        assert_eq!(read_all(server.take_output().unwrap()).await, "done\n");
        within(server.wait()).await;
        let tail = server.stderr_tail();
        assert_eq!((tail.len(), tail.ends_with("xend")), (1000, true));
        assert!(server.stderr().is_cut());
    }
}

#[tokio::test]
async fn stderr_that_is_thrown_away_leaves_no_tail() {
    let server = sh("echo words >&2").stderr(Stderr::Null).spawn().unwrap();
    assert_eq!(within(server.wait()).await, Exit::Code(0));
    assert_eq!(server.stderr_tail(), "");
}

#[tokio::test]
async fn server_that_ignores_the_end_of_input_gets_sigterm() {
    let mut server =
        sh("trap 'echo bye; exit 5' TERM; echo up; sleep 1000 & wait").spawn().unwrap();
    let mut lines = ready(&mut server).await;
    let ended = within(server.shutdown(SHORT, LONG)).await;
    assert_eq!((ended.exit, ended.by), (Exit::Code(5), Ending::Term));
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("bye"));
    assert_eq!(lines.next_line().await.unwrap(), None);
}

#[tokio::test]
async fn server_that_ignores_sigterm_gets_sigkill() {
    let mut server = sh("trap '' TERM; echo up; while :; do sleep 1000; done").spawn().unwrap();
    drop(ready(&mut server).await);
    let group = server.id();
    let ended = within(server.shutdown(SHORT, SHORT)).await;
    assert_eq!((ended.exit, ended.by), (Exit::Signal(9), Ending::Kill));
    group_is_gone(group);
}

#[tokio::test]
async fn descendants_are_gone_after_shutdown() {
    let mut server = sh(WITH_DESCENDANT).spawn().unwrap();
    drop(ready(&mut server).await);
    let group = server.id();
    assert_eq!(members(group).len(), 2);
    within(server.shutdown(SHORT, LONG)).await;
    group_is_gone(group);
}

#[tokio::test]
async fn descendant_that_outlives_the_server_gets_sigterm_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        "(trap 'echo clean > mark; exit' TERM; echo up; while :; do sleep 0.01; done) & read x";
    let mut server = sh(script).current_dir(folder.path()).spawn().unwrap();
    drop(ready(&mut server).await);
    let group = server.id();
    let ended = within(server.shutdown(LONG, LONG)).await;
    assert_eq!((ended.exit, ended.by), (Exit::Code(1), Ending::Itself));
    assert_eq!(std::fs::read_to_string(folder.path().join("mark")).unwrap(), "clean\n");
    group_is_gone(group);
}

#[tokio::test]
async fn descendant_that_holds_stdout_does_not_hold_up_the_reader() {
    let mut server = sh("sleep 1000 & echo up; echo last; exit 0").spawn().unwrap();
    let mut lines = ready(&mut server).await;
    assert_eq!(within(lines.next_line()).await.unwrap().as_deref(), Some("last"));
    assert_eq!(within(lines.next_line()).await.unwrap(), None);
    assert_eq!(within(server.wait()).await, Exit::Code(0));
    let group = server.id();
    assert!(!members(group).is_empty());
    within(server.shutdown(LONG, LONG)).await;
    group_is_gone(group);
}

#[tokio::test]
async fn descendant_that_floods_stdout_does_not_hold_up_the_reader() {
    let mut server = sh("(while :; do echo more; done) & echo up; exit 0").spawn().unwrap();
    read_all(server.take_output().unwrap()).await;
    assert_eq!(within(server.wait()).await, Exit::Code(0));
}

#[tokio::test]
async fn shutdown_closes_an_input_that_somebody_else_writes_to() {
    let mut server = sh("echo up; sleep 1000").spawn().unwrap();
    drop(ready(&mut server).await);
    let mut input = server.take_input().unwrap();
    let writer = tokio::spawn(async move { input.write_all(&vec![b'x'; 4_000_000]).await });
    tokio::task::yield_now().await;
    within(server.shutdown(SHORT, LONG)).await;
    let error = within(writer).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn everything_is_gone_after_drop() {
    let mut server = sh(WITH_DESCENDANT).end_within(SHORT, LONG).spawn().unwrap();
    drop(ready(&mut server).await);
    let group = server.id();
    drop(server);
    gone(group).await;
}

#[tokio::test]
async fn dropped_server_still_gets_time_to_end_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let server = sh("echo up; read x; sleep 0.2; echo clean > mark").current_dir(folder.path());
    let mut server = server.end_within(LONG, LONG).spawn().unwrap();
    drop(ready(&mut server).await);
    let group = server.id();
    drop(server);
    gone(group).await;
    assert_eq!(std::fs::read_to_string(folder.path().join("mark")).unwrap(), "clean\n");
}

#[tokio::test]
async fn cancelled_shutdown_still_ends_the_server() {
    let mut server = sh(STUBBORN).end_within(SHORT, SHORT).spawn().unwrap();
    drop(ready(&mut server).await);
    let group = server.id();
    assert!(tokio::time::timeout(SHORT, server.shutdown(LONG, LONG)).await.is_err());
    gone(group).await;
}

#[test]
fn everything_is_gone_after_the_runtime_was_dropped_with_the_server_in_a_task() {
    for runtime in runtimes() {
        let (group, server) = runtime.block_on(start_stubborn());
        runtime.spawn(async move {
            server.wait().await;
        });
        drop(runtime);
        gone_blocking(group);
    }
}

#[test]
fn everything_is_gone_after_the_runtime_was_dropped_while_the_server_is_being_ended() {
    for runtime in runtimes() {
        let (group, server) = runtime.block_on(start_stubborn());
        let _inside = runtime.enter();
        drop(server);
        assert!(!members(group).is_empty());
        drop(_inside);
        drop(runtime);
        gone_blocking(group);
    }
}

#[test]
fn everything_is_gone_when_the_server_outlives_its_runtime() {
    for runtime in runtimes() {
        let (group, server) = runtime.block_on(start_stubborn());
        drop(runtime);
        assert!(!members(group).is_empty());
        drop(server);
        gone_blocking(group);
    }
}

#[test]
fn everything_is_gone_when_the_runtime_stands_still() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (group, server) = runtime.block_on(async {
        let mut server = sh(STUBBORN).end_within(SHORT, SHORT).spawn().unwrap();
        drop(ready(&mut server).await);
        (server.id(), server)
    });
    drop(server);
    gone_blocking(group);
    drop(runtime);
}

#[tokio::test]
async fn debug_output_hides_what_the_environment_holds() {
    let server = sh("exit").env("TOKEN", "hunter2");
    let shown = format!("{server:?}");
    assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
}

/// A server that ends neither at the end of its input nor on SIGTERM.
const STUBBORN: &str = "trap '' TERM; sleep 1000 & echo up; while :; do wait; done";
const WITH_DESCENDANT: &str = "sleep 1000 & echo up; wait";
const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(60);
/// Fails a test that hangs.
const LIMIT: Duration = Duration::from_secs(20);

fn sh(script: &str) -> ChildProcess {
    ChildProcess::new("sh").args(["-c", script])
}

async fn start_stubborn() -> (u32, RunningChild) {
    let mut server = sh(STUBBORN).end_within(LONG, LONG).spawn().unwrap();
    drop(ready(&mut server).await);
    (server.id(), server)
}

fn runtimes() -> [Runtime; 2] {
    let multi = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    [Builder::new_current_thread().enable_all().build().unwrap(), multi]
}

/// Waits for the script to say that it is up, and returns what follows.
async fn ready(server: &mut RunningChild) -> tokio::io::Lines<BufReader<ServerOutput>> {
    let mut lines = BufReader::new(server.take_output().unwrap()).lines();
    assert_eq!(within(lines.next_line()).await.unwrap().as_deref(), Some("up"));
    lines
}

async fn output_of(server: &ChildProcess) -> String {
    read_all(server.spawn().unwrap().take_output().unwrap()).await
}

async fn read_all(mut output: ServerOutput) -> String {
    let mut text = String::new();
    within(output.read_to_string(&mut text)).await.unwrap();
    text
}

async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future).await.expect("took too long")
}

/// Waits for an event nobody announces: the system forgets the whole group.
async fn gone(group: u32) {
    let gone = async {
        while !members(group).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(gone).await;
}

fn gone_blocking(group: u32) {
    let deadline = Instant::now() + LIMIT;
    while !members(group).is_empty() {
        assert!(Instant::now() < deadline, "still there: {:?}", members(group));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Processes that were killed may take a moment to vanish, the leader may not.
fn group_is_gone(group: u32) {
    assert!(!members(group).contains(&group), "the leader was not collected");
    gone_blocking(group);
}

/// The processes of a group, dead but uncollected leaders among them. Descendants
/// that are dead wait for init, which is not our business.
fn members(group: u32) -> Vec<u32> {
    let Ok(entries) = Path::new("/proc").read_dir() else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
                return false;
            };
            // The name, in parentheses, may contain anything.
            let fields: Vec<&str> =
                stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            fields.get(2) == Some(&group.to_string().as_str())
                && (fields.first() != Some(&"Z") || *pid == group)
        })
        .collect()
}
