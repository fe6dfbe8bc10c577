//! What SaaSRUS does, shown with real requests and checked as it is told.
//!
//! The process serves itself on a port of the loopback interface, with a temporary data directory.
//! What a well-behaved client does is done by the client of this project, in both eras; what it
//! would never do is sent as [plain] HTTP.

pub mod house;
pub mod messages;
pub mod plain;
mod steps;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use mcp_client::{EraChoice, Error as ClientError, ReasonKind};

use super::access_log::Line;
use super::tenants::Tenant;
use super::tokens::Token;
use crate::viewer::console::{Console, one_line};
use house::{House, Keys};
use plain::Answer;

/// Tells the story; succeeds only if everything went as announced.
pub async fn run() -> ExitCode {
    let console = Console::find(false, false);
    let begun = Instant::now();
    match tell(&console).await {
        Ok(0) => {
            let seconds = begun.elapsed().as_secs_f64();
            let text = format!("\nEverything went as announced, in {seconds:.1} s.\n");
            console.say(&console.out.green(&text));
            ExitCode::SUCCESS
        }
        Ok(surprises) => {
            console.say(&console.out.red(&format!("\n{surprises} things went differently.\n")));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("saasrus-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn tell(console: &Console) -> Result<usize, Box<dyn Error>> {
    let data = tempfile::Builder::new().prefix("saasrus-demo-").tempdir()?;
    let mut keys = Keys::new();
    let house = House::start(data.path(), &mut keys).await?;
    console.say(
        "SaaSRUS keeps documents for several tenants, in one process behind one listener:\n\n",
    );
    for tenant in super::tenants::ALL {
        console.say(&format!("  {:<16} {}\n", tenant.title, house.url(tenant)));
    }
    let mut story = Story { console, house, keys, steps: 0, surprises: 0 };
    story.same_question().await?;
    story.open_documents().await?;
    story.tokens().await?;
    story.sessions().await?;
    story.hosts().await?;
    story.compulsory().await?;
    story.insisting().await?;
    story.tiers().await?;
    let added = story.add().await?;
    let mut story = story.start_again(data.path()).await?;
    story.still_there(&added).await?;
    story.house.stop().await?;
    Ok(story.surprises)
}

struct Story<'a> {
    console: &'a Console,
    house: House,
    keys: Keys,
    steps: usize,
    surprises: usize,
}

/// How a step ends that could not be told to its end.
type Told = Result<(), Box<dyn Error>>;

impl Story<'_> {
    /// Ends the process, as far as it is SaaSRUS, and starts it on the same data.
    async fn start_again(self, data: &Path) -> Result<Self, Box<dyn Error>> {
        let Self { house, mut keys, .. } = self;
        house.stop().await?;
        let house = House::start(data, &mut keys).await?;
        Ok(Self { house, keys, ..self })
    }

    /// A connection of our own client that does not come about.
    async fn refused(
        &mut self,
        tenant: &Tenant,
        token: &Token,
        era: EraChoice,
        require: Option<&str>,
        reason: Option<&ReasonKind>,
    ) -> Told {
        match self.house.connect(tenant, token, era, require).await {
            Ok(client) => {
                client.shutdown().await;
                self.check(false, "the server agreed");
            }
            Err(ClientError::Rejected(rejection)) => {
                for line in format!("{rejection:#}").lines() {
                    self.tell(line);
                }
                let said =
                    require.and_then(|url| rejection.reason(url)).map(|reason| reason.kind());
                self.check(said == reason, &format!("the reason is {said:?}"));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Before agreement nothing but discovery and `initialize` arrives, and the end of a session.
    fn nothing_else_arrived(&mut self) {
        let lines = self.house.access_log();
        for Line { host, request, methods, status, .. } in &lines {
            let what = if methods.is_empty() { request.clone() } else { methods.join(", ") };
            let line = format!("access log: {host}  {what}  {status}");
            self.tell(&self.console.out.dim(&one_line(&line)));
        }
        let harmless = |line: &Line| match line.request.split(' ').next() {
            Some("GET") => line.request.contains("/.well-known/"),
            Some("DELETE") => true,
            _ => {
                line.methods.len() == 1
                    && ["server/discover", "initialize"].contains(&line.methods[0].as_str())
            }
        };
        self.check(!lines.is_empty(), "the access log is empty");
        self.check(lines.iter().all(harmless), "something else arrived");
    }

    fn answered(&mut self, what: &str, answer: &Answer, status: u16) {
        let error = &answer.message()["error"];
        let why = match (error["code"].as_i64(), error["message"].as_str()) {
            (Some(code), Some(why)) => format!(", error {code}: {}", one_line(why)),
            _ => String::new(),
        };
        self.tell(&format!("{what}: {}{why}", answer.status));
        self.check(answer.status == status, &format!("the status is {}", answer.status));
    }

    fn key(&self, tenant: &Tenant, holder: &str) -> Result<Token, String> {
        let key = self.keys.get(&(tenant.name, holder.to_owned()));
        key.cloned().ok_or_else(|| format!("{holder} has no token of {}", tenant.title))
    }

    fn announce(&mut self, what: &str) {
        self.steps += 1;
        let number = self.console.out.dim(&format!("{:>2}", self.steps));
        self.console.say(&format!("\n{number}  {}\n", self.console.out.bold(what)));
    }

    fn tell(&self, what: &str) {
        self.console.say(&format!("    {what}\n"));
    }

    /// Notes whether something went as announced.
    fn check(&mut self, as_announced: bool, what: &str) {
        if !as_announced {
            self.surprises += 1;
            self.tell(&self.console.out.red(&format!("not as announced: {}", one_line(what))));
        }
    }
}
