//! The stdio transport as a parent process sees it.
//!
//! Each scenario starts this program again as a child that serves a small line protocol over
//! [`Stdio`]. There is no test harness, because its threads and its own output would be in the way.

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    match std::env::var(linux::CHILD) {
        Ok(how) => std::process::exit(linux::child(&how)),
        Err(_) => linux::run_scenarios(),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{self, BufRead, BufReader, Read, Seek, Write};
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net::UnixStream;
    use std::process::{Child, Command, Stdio as Connect};
    use std::sync::mpsc;
    use std::time::Duration;

    use mcp_server::transport::stdio::{Stdio, StdioReader, StdioWriter};
    use rustix::fs::OFlags;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Set for the child; says how it reads.
    pub(super) const CHILD: &str = "MCP_STDIO_TEST_CHILD";

    /// Longer than all scenarios together take on a slow machine.
    const PATIENCE: Duration = Duration::from_secs(120);

    const SCENARIOS: &[(&str, fn())] = &[
        ("pipes_are_served_on_one_thread", pipes_are_served_on_one_thread),
        ("sockets_are_served_on_one_thread", sockets_are_served_on_one_thread),
        ("reading_through_async_read_works", reading_through_async_read_works),
        ("long_messages_survive_a_slow_reader", long_messages_survive_a_slow_reader),
        ("regular_files_are_read_and_written", regular_files_are_read_and_written),
        ("null_device_is_an_empty_input", null_device_is_an_empty_input),
        ("closed_descriptors_are_an_empty_input", closed_descriptors_are_an_empty_input),
        ("stderr_may_share_the_output_pipe", stderr_may_share_the_output_pipe),
        ("stderr_may_share_the_output_socket", stderr_may_share_the_output_socket),
        ("one_socket_may_be_everything", one_socket_may_be_everything),
        ("noise_never_reaches_the_output", noise_never_reaches_the_output),
        ("children_inherit_no_protocol_descriptor", children_inherit_no_protocol_descriptor),
        ("second_claim_is_an_error", second_claim_is_an_error),
        ("claim_outside_a_runtime_can_be_repeated", claim_outside_a_runtime_can_be_repeated),
        ("parent_that_went_away_is_an_error", parent_that_went_away_is_an_error),
        ("shutdown_closes_the_output", shutdown_closes_the_output),
        ("terminal_is_served_on_one_thread", terminal_is_served_on_one_thread),
        ("other_devices_are_read_on_a_thread", other_devices_are_read_on_a_thread),
        ("other_devices_report_write_errors", other_devices_report_write_errors),
    ];

    pub(super) fn run_scenarios() {
        let filters: Vec<_> =
            std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
        let (done, watch) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if watch.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("a scenario hangs");
                std::process::exit(1);
            }
        });
        for (name, scenario) in SCENARIOS {
            if filters.is_empty() || filters.iter().any(|filter| name.contains(&**filter)) {
                eprint!("stdio: {name} ... ");
                scenario();
                eprintln!("ok");
            }
        }
        drop(done);
    }

    // Scenarios.

    fn pipes_are_served_on_one_thread() {
        let mut server =
            Server::start("into", Connect::piped(), Connect::piped(), Connect::inherit());
        let (input, output) = server.pipes();
        converse(input, output);
        server.ends_well();
    }

    fn sockets_are_served_on_one_thread() {
        let (input, theirs) = UnixStream::pair().unwrap();
        let (output, also_theirs) = UnixStream::pair().unwrap();
        let (stdin, stdout) = (theirs.try_clone().unwrap(), also_theirs.try_clone().unwrap());
        let server = Server::start("into", owned(theirs), owned(also_theirs), Connect::inherit());
        converse_and(input, output, move || assert!(!nonblocking(&stdin) && !nonblocking(&stdout)));
        server.ends_well();
    }

    fn reading_through_async_read_works() {
        let mut server =
            Server::start("async", Connect::piped(), Connect::piped(), Connect::inherit());
        let (input, output) = server.pipes();
        converse(input, output);
        server.ends_well();
        let (input, theirs) = UnixStream::pair().unwrap();
        let mut server =
            Server::start("async", owned(theirs), Connect::piped(), Connect::inherit());
        let output = server.child.stdout.take().unwrap();
        converse(input, output);
        server.ends_well();
    }

    fn long_messages_survive_a_slow_reader() {
        let long = "x".repeat(3 << 20);
        let check = |input: Box<dyn Write + Send>, output: Box<dyn Read>| {
            let mut input = input;
            let lines = [format!("echo {long}\n"), "echo short\n".into(), "threads\n".into()];
            // The child can only take all of this in if it does not get stuck answering.
            let writer = std::thread::spawn(move || {
                for line in lines {
                    input.write_all(line.as_bytes()).unwrap();
                }
            });
            let mut answers = BufReader::with_capacity(1000, output).lines();
            assert!(answers.next().unwrap().unwrap() == long);
            assert_eq!(answers.next().unwrap().unwrap(), "short");
            assert_eq!(answers.next().unwrap().unwrap(), "1");
            writer.join().unwrap();
        };
        let mut server =
            Server::start("into", Connect::piped(), Connect::piped(), Connect::inherit());
        let (input, output) = server.pipes();
        check(Box::new(input), Box::new(output));
        server.ends_well();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (output, also_theirs) = UnixStream::pair().unwrap();
        let server = Server::start("into", owned(theirs), owned(also_theirs), Connect::inherit());
        check(Box::new(ours), Box::new(output));
        server.ends_well();
    }

    fn regular_files_are_read_and_written() {
        let (mut input, mut output) = (temporary_file(), temporary_file());
        let requests: String = (0..20_000).map(|n| format!("echo {n}\n")).collect();
        input.write_all(format!("{requests}threads\n").as_bytes()).unwrap();
        input.rewind().unwrap();
        output.write_all(b"before\n").unwrap();
        let stdout = output.try_clone().unwrap();
        Server::start("into", owned(input), owned(stdout), Connect::inherit()).ends_well();
        output.rewind().unwrap();
        let answers: String = (0..20_000).map(|n| format!("{n}\n")).collect();
        assert!(io::read_to_string(output).unwrap() == format!("before\n{answers}1\n"));
    }

    fn null_device_is_an_empty_input() {
        let mut server =
            Server::start("into", Connect::null(), Connect::piped(), Connect::inherit());
        let output = server.child.stdout.take().unwrap();
        assert_eq!(io::read_to_string(output).unwrap(), "");
        server.ends_well();
        let mut server =
            Server::start("into", Connect::piped(), Connect::null(), Connect::inherit());
        server.child.stdin.take().unwrap().write_all(b"echo into the void\n").unwrap();
        server.ends_well();
    }

    fn closed_descriptors_are_an_empty_input() {
        for closed in ["<&-", "<&- >&-", "<&- >&- 2>&-"] {
            let status = Command::new("sh")
                .args(["-c", &format!(r#"exec "$0" {closed}"#)])
                .arg(std::env::current_exe().unwrap())
                .env(CHILD, "into")
                .status();
            assert!(status.unwrap().success(), "{closed}");
        }
    }

    fn stderr_may_share_the_output_pipe() {
        let (output, theirs) = io::pipe().unwrap();
        let (stderr, kept) = (theirs.try_clone().unwrap(), theirs.try_clone().unwrap());
        let mut server = Server::start("into", Connect::piped(), owned(theirs), owned(stderr));
        let input = server.child.stdin.take().unwrap();
        flood(input, output, || assert!(!nonblocking(&kept)));
        drop(kept);
        server.ends_well();
    }

    fn stderr_may_share_the_output_socket() {
        let (output, theirs) = UnixStream::pair().unwrap();
        let (stderr, kept) = (theirs.try_clone().unwrap(), theirs.try_clone().unwrap());
        let mut server = Server::start("into", Connect::piped(), owned(theirs), owned(stderr));
        let input = server.child.stdin.take().unwrap();
        flood(input, output, || assert!(!nonblocking(&kept)));
        server.ends_well();
    }

    fn one_socket_may_be_everything() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (stdout, stderr) = (theirs.try_clone().unwrap(), theirs.try_clone().unwrap());
        let server = Server::start("into", owned(theirs), owned(stdout), owned(stderr));
        flood(ours.try_clone().unwrap(), ours.try_clone().unwrap(), || {});
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        server.ends_well();
    }

    fn noise_never_reaches_the_output() {
        let mut server =
            Server::start("into", Connect::piped(), Connect::piped(), Connect::piped());
        let (mut input, output) = server.pipes();
        input.write_all(b"noise\necho after the noise\n").unwrap();
        drop(input);
        assert_eq!(io::read_to_string(output).unwrap(), "after the noise\n");
        let log = io::read_to_string(server.child.stderr.take().unwrap()).unwrap();
        for noise in ["printed before", "printed line", "from a child"] {
            assert!(log.contains(noise), "{noise:?} is missing in {log:?}");
        }
        server.ends_well();
    }

    fn children_inherit_no_protocol_descriptor() {
        ask_one("inheritable", "nothing new");
    }

    fn second_claim_is_an_error() {
        ask_one("again", "AlreadyExists");
    }

    fn claim_outside_a_runtime_can_be_repeated() {
        // The child tries that before it starts, see `child`.
        let mut server =
            Server::start("late", Connect::piped(), Connect::piped(), Connect::inherit());
        let (input, output) = server.pipes();
        converse(input, output);
        server.ends_well();
    }

    fn parent_that_went_away_is_an_error() {
        let mut server =
            Server::start("into", Connect::piped(), Connect::piped(), Connect::inherit());
        let (mut input, output) = server.pipes();
        drop(output);
        input.write_all(b"echo is anybody there\n").unwrap();
        assert_eq!(server.child.wait().unwrap().code(), Some(BROKEN_PIPE));

        let (output, theirs) = UnixStream::pair().unwrap();
        let mut server = Server::start("into", Connect::piped(), owned(theirs), Connect::inherit());
        drop(output);
        server.child.stdin.take().unwrap().write_all(b"echo is anybody there\n").unwrap();
        assert_eq!(server.child.wait().unwrap().code(), Some(BROKEN_PIPE));
    }

    fn shutdown_closes_the_output() {
        let mut server =
            Server::start("into", Connect::piped(), Connect::piped(), Connect::inherit());
        let (mut input, output) = server.pipes();
        input.write_all(b"echo last words\nclose\n").unwrap();
        assert_eq!(io::read_to_string(output).unwrap(), "last words\n");
        input.write_all(b"echo too late\n").unwrap();
        assert_eq!(server.child.wait().unwrap().code(), Some(BROKEN_PIPE));
    }

    fn terminal_is_served_on_one_thread() {
        let controller = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR).unwrap();
        rustix::pty::grantpt(&controller).unwrap();
        rustix::pty::unlockpt(&controller).unwrap();
        let name = rustix::pty::ptsname(&controller, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = rustix::fs::open(&name, flags, rustix::fs::Mode::empty()).unwrap();
        let mut modes = rustix::termios::tcgetattr(&terminal).unwrap();
        modes.make_raw();
        rustix::termios::tcsetattr(&terminal, rustix::termios::OptionalActions::Now, &modes)
            .unwrap();
        let again = || Connect::from(terminal.try_clone().unwrap());
        let mut server = Server::start("into", again(), again(), again());
        let (mut input, output) =
            (File::from(controller.try_clone().unwrap()), File::from(controller));
        let mut answers = BufReader::new(output).lines();
        for (request, answer) in [("echo hello", "hello"), ("threads", "1"), ("echo bye", "bye")] {
            writeln!(input, "{request}").unwrap();
            assert_eq!(answers.next().unwrap().unwrap(), answer);
        }
        assert!(!nonblocking(&terminal));
        writeln!(input, "exit").unwrap();
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
    }

    fn other_devices_are_read_on_a_thread() {
        // The input never ends, and the thread that reads it must not keep the process.
        let zero = File::open("/dev/zero").unwrap();
        Server::start("million", owned(zero), Connect::null(), Connect::inherit()).ends_well();
    }

    fn other_devices_report_write_errors() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut server = Server::start("into", Connect::piped(), owned(full), Connect::inherit());
        server.child.stdin.take().unwrap().write_all(b"echo\n").unwrap();
        assert_eq!(server.child.wait().unwrap().code(), Some(STORAGE_FULL));
    }

    // What scenarios share.

    struct Server {
        child: Child,
    }

    impl Server {
        fn start(how: &str, stdin: Connect, stdout: Connect, stderr: Connect) -> Self {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.env(CHILD, how).stdin(stdin).stdout(stdout).stderr(stderr);
            Self { child: command.spawn().unwrap() }
        }

        fn pipes(&mut self) -> (impl Write + Send + use<>, impl Read + use<>) {
            (self.child.stdin.take().unwrap(), self.child.stdout.take().unwrap())
        }

        fn ends_well(mut self) {
            let status = self.child.wait().unwrap();
            assert!(status.success(), "{status}");
        }
    }

    fn owned(end: impl Into<OwnedFd>) -> Connect {
        Connect::from(end.into())
    }

    fn nonblocking(end: &impl AsFd) -> bool {
        rustix::fs::fcntl_getfl(end).unwrap().contains(OFlags::NONBLOCK)
    }

    fn temporary_file() -> File {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::open(std::env::temp_dir(), flags, mode).unwrap().into()
    }

    /// Alternates questions and answers, so that each wakes an idle server.
    fn converse(input: impl Write, output: impl Read) {
        converse_and(input, output, || {});
    }

    fn converse_and(mut input: impl Write, output: impl Read, before_the_end: impl FnOnce()) {
        let mut answers = BufReader::new(output).lines();
        for n in 0..1000 {
            writeln!(input, "echo {n}").unwrap();
            assert_eq!(answers.next().unwrap().unwrap(), n.to_string());
        }
        writeln!(input, "threads").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), "1");
        before_the_end();
        drop(input);
        assert!(answers.next().is_none());
    }

    /// Has the server fill a shared output from both sides, `eprintln!` and the protocol.
    fn flood(mut input: impl Write, output: impl Read, meanwhile: impl Fn()) {
        let mut lines = BufReader::with_capacity(100, output).lines();
        writeln!(input, "flood\nthreads").unwrap();
        let (mut logged, mut answered) = (0, 0);
        loop {
            match &*lines.next().unwrap().unwrap() {
                "log" => logged += 1,
                "answer" => answered += 1,
                threads => break assert_eq!(threads, "1"),
            }
        }
        assert_eq!((logged, answered), (FLOOD, FLOOD));
        meanwhile();
    }

    fn ask_one(question: &str, answer: &str) {
        let mut server =
            Server::start("into", Connect::piped(), Connect::piped(), Connect::inherit());
        let (mut input, output) = server.pipes();
        writeln!(input, "{question}").unwrap();
        drop(input);
        assert_eq!(io::read_to_string(output).unwrap().trim_end(), answer);
        server.ends_well();
    }

    // The child.

    const FLOOD: usize = 50_000;
    const BROKEN_PIPE: i32 = 10;
    const STORAGE_FULL: i32 = 11;

    pub(super) fn child(how: &str) -> i32 {
        let inherited = inheritable();
        if how == "late" {
            let error = Stdio::take().expect_err("there is no runtime yet");
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let served = runtime.block_on(async {
            let (reader, writer) = Stdio::take()?.into_split();
            match how {
                "million" => read_a_million(reader).await,
                _ => serve(reader, writer, how == "async", &inherited).await,
            }
        });
        match served.map_err(|error| error.kind()) {
            Ok(()) => 0,
            Err(io::ErrorKind::BrokenPipe) => BROKEN_PIPE,
            Err(io::ErrorKind::StorageFull) => STORAGE_FULL,
            Err(kind) => panic!("{kind}"),
        }
    }

    async fn read_a_million(mut reader: StdioReader) -> io::Result<()> {
        let mut bytes = Vec::new();
        while bytes.len() < 1_000_000 {
            assert_ne!(reader.read_into(&mut bytes).await?, 0);
        }
        Ok(())
    }

    async fn serve(
        mut reader: StdioReader,
        mut writer: StdioWriter,
        through_async_read: bool,
        inherited: &[String],
    ) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(64 * 1024);
        loop {
            let read = match through_async_read {
                true => reader.read_buf(&mut bytes).await?,
                false => reader.read_into(&mut bytes).await?,
            };
            if read == 0 {
                return writer.flush().await;
            }
            while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = bytes.drain(..=end).collect();
                let line = std::str::from_utf8(&line).unwrap().trim_end();
                let answer = match line.split_once(' ').unwrap_or((line, "")) {
                    ("echo", text) => text.to_owned(),
                    ("threads", _) => threads(),
                    ("again", _) => format!("{:?}", Stdio::take().unwrap_err().kind()),
                    ("inheritable", _) if inheritable() == inherited => "nothing new".to_owned(),
                    ("inheritable", _) => format!("{:?} after {inherited:?}", inheritable()),
                    ("noise", _) => {
                        make_noise();
                        continue;
                    }
                    ("flood", _) => {
                        for _ in 0..FLOOD {
                            eprintln!("log");
                            answer_line(&mut writer, "answer").await?;
                        }
                        continue;
                    }
                    ("close", _) => {
                        writer.shutdown().await?;
                        continue;
                    }
                    ("exit", _) => return Ok(()),
                    _ => panic!("what is {line:?}?"),
                };
                answer_line(&mut writer, &answer).await?;
            }
        }
    }

    /// Writes at once what fits, and waits for the rest.
    async fn answer_line(writer: &mut StdioWriter, answer: &str) -> io::Result<()> {
        let answer = format!("{answer}\n");
        let written = match writer.try_write(answer.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            outcome => outcome?,
        };
        writer.write_all(&answer.as_bytes()[written..]).await
    }

    #[expect(clippy::print_stdout, reason = "that this does no harm is the point")]
    fn make_noise() {
        print!("printed before ");
        println!("printed line");
        let status = Command::new("sh").args(["-c", "cat; echo from a child"]).status();
        assert!(status.unwrap().success());
    }

    fn threads() -> String {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let threads = status.lines().find_map(|line| line.strip_prefix("Threads:"));
        threads.unwrap().trim().to_owned()
    }

    /// The descriptors that a child of this process would get.
    fn inheritable() -> Vec<String> {
        let numbers = std::fs::read_dir("/proc/self/fd").unwrap();
        let mut numbers: Vec<_> = numbers
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|number| {
                let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}"));
                let about = about.unwrap_or_default();
                let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
                let flags = flags.map(|octal| u32::from_str_radix(octal.trim(), 8).unwrap());
                flags.is_some_and(|flags| flags & OFlags::CLOEXEC.bits() == 0)
            })
            .collect();
        numbers.sort();
        numbers
    }
}
