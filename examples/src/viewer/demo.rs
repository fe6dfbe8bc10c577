//! The whole story of the two tiers, announced step by step and checked as it is told.
//!
//! Over stdio every step starts a server process of its own, talks to it over its standard input and
//! output, and ends it. Over HTTP all steps talk to one server. Nothing is pretended: the numbers come out of the pictures that arrived, and what
//! left the client is read off the wire.

use std::io;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Instant;

use mcp_client::{ChildProcess, EraChoice, Error, Http};
use mcp_server::http::HttpService;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::console::{Console, Paint, one_line};
use super::visit::{Errand, Refused, Seen, Visit, Wish, connect, short};
use super::wire::{Place, methods};
use crate::server::{Accounts, Offer, PREMIUM, STANDARD, Setup, build, http};
use crate::vidsrus::Catalogue;

/// The argument with which the demo starts itself as the server.
pub const SERVE: &str = "serve";

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
            eprintln!("vidsrus-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn tell(console: &Console) -> Result<usize, Error> {
    let mut story = Story::new(console)?;
    console.say(
        "VidsRUS serves films over MCP. Which picture you get is a profile, agreed on before\n\
         the first call. Ada has paid, Grace has not.\n",
    );
    for era in [EraChoice::Modern, EraChoice::Legacy] {
        let name = era_name(era);
        story.announce(&format!("Grace requires standard, {name}: 480 lines"));
        story.visit("grace", &wish(era, [STANDARD]), &TIERS[0]).await?;
        story.announce(&format!("Ada requires premium, {name}: 1080 lines, and subtitles"));
        story.visit("ada", &wish(era, [PREMIUM]), &TIERS[1]).await?;
    }
    for era in [EraChoice::Modern, EraChoice::Legacy] {
        let name = era_name(era);
        story.announce(&format!("Grace requires premium, {name}: refused, she has not paid"));
        story.refusal("grace", &wish(era, [PREMIUM]), "notPermitted", None).await?;
    }
    story.announce("Grace makes three storyboards at once: two at a time are allowed");
    story.crowd("grace").await?;

    console.say("\nNow one server for everybody, over HTTP. A bearer token says who signs in.\n");
    story.listen().await?;
    for era in [EraChoice::Modern, EraChoice::Legacy] {
        let name = era_name(era);
        story.announce(&format!("Grace requires standard over HTTP, {name}: 480 lines"));
        story.visit("grace", &wish(era, [STANDARD]), &TIERS[0]).await?;
        story.announce(&format!("Ada requires premium over HTTP, {name}: 1080 lines"));
        story.visit("ada", &wish(era, [PREMIUM]), &TIERS[1]).await?;
        story.announce(&format!("Grace requires premium over HTTP, {name}: refused"));
        story.refusal("grace", &wish(era, [PREMIUM]), "notPermitted", None).await?;
    }
    story.hang_up();

    story.offer_later()?;
    console.say(
        "\nNow the server's declaration says that premium needs MCP 2026-08-13, which nobody\n\
         speaks yet:\n",
    );
    console.say(&story.paint.dim(&format!("  {LATER}\n")));
    story.announce("Ada requires premium: refused, whatever she paid");
    let wanted = wish(EraChoice::Modern, [PREMIUM]);
    story.refusal("ada", &wanted, "mcpVersionTooLow", Some("2026-08-13")).await?;
    story.announce("Ada prefers premium but takes standard: 480 lines, until the day comes");
    let prefer = vec![PREMIUM.to_owned(), STANDARD.to_owned()];
    let wanted = Wish { prefer, era: EraChoice::Modern, ..Wish::default() };
    story.visit("ada", &wanted, &TIERS[0]).await?;
    Ok(story.surprises)
}

/// What a profile promises.
struct Tier {
    profile: &'static str,
    height: u32,
    best_rendition: &'static str,
    storyboard_pictures: usize,
    subtitles: bool,
}

const TIERS: [Tier; 2] = [
    Tier {
        profile: STANDARD,
        height: 480,
        best_rendition: "480p24",
        storyboard_pictures: 24,
        subtitles: false,
    },
    Tier {
        profile: PREMIUM,
        height: 1080,
        best_rendition: "1080p48",
        storyboard_pictures: 96,
        subtitles: true,
    },
];

struct Story<'a> {
    console: &'a Console,
    paint: Paint,
    errand: Errand,
    directory: TempDir,
    declaration: bool,
    listening: Option<Listening>,
    steps: usize,
    surprises: usize,
}

/// A server over HTTP.
struct Listening {
    url: String,
    serving: JoinHandle<io::Result<()>>,
}

impl<'a> Story<'a> {
    fn new(console: &'a Console) -> Result<Self, Error> {
        let directory = tempfile::Builder::new().prefix("vidsrus-demo-").tempdir().map_err(lost)?;
        let out = directory.path().to_owned();
        let errand = Errand { search: TITLE.to_owned(), second: 93, out };
        let (paint, steps, surprises) = (console.out, 0, 0);
        let (declaration, listening) = (false, None);
        Ok(Self { console, paint, errand, directory, declaration, listening, steps, surprises })
    }

    fn announce(&mut self, what: &str) {
        self.steps += 1;
        let number = self.paint.dim(&format!("{:>2}", self.steps));
        self.console.say(&format!("\n{number}  {}\n", self.paint.bold(what)));
    }

    fn tell(&self, what: &str) {
        self.console.say(&format!("    {what}\n"));
    }

    /// Notes whether something went as announced.
    fn check(&mut self, as_announced: bool, what: &str) {
        if !as_announced {
            self.surprises += 1;
            self.tell(&self.paint.red(&format!("not as announced: {}", one_line(what))));
        }
    }

    fn offer_later(&mut self) -> Result<(), Error> {
        std::fs::write(self.directory.path().join(DECLARATION), LATER).map_err(lost)?;
        self.declaration = true;
        Ok(())
    }

    /// Serves everybody over HTTP, on a free port of this machine.
    async fn listen(&mut self) -> Result<(), Error> {
        let (catalogue, accounts) = (Catalogue::bundled(), Accounts::bundled());
        let setup = Setup { catalogue, accounts, user: None, offer: Offer::default() };
        let accounts = setup.accounts.clone();
        let router = http::router(HttpService::new(build(setup)?), accounts);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(lost)?;
        let url = format!("http://localhost:{}/mcp", listener.local_addr().map_err(lost)?.port());
        let serving = tokio::spawn(async { axum::serve(listener, router).await });
        self.tell(&self.paint.dim(&url));
        self.listening = Some(Listening { url, serving });
        Ok(())
    }

    fn hang_up(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.serving.abort();
        }
    }

    fn server(&self, user: &str) -> Result<Place, Error> {
        if let Some(Listening { url, .. }) = &self.listening {
            let token = format!("vidsrus-{user}");
            return Ok(Place::Url(Http::new(url)?.no_proxy().bearer_token(token)));
        }
        let own = std::env::current_exe().map_err(lost)?;
        let server = ChildProcess::new(own).args([SERVE, "--user", user]);
        Ok(Place::Program(match self.declaration {
            true => server.arg("--declaration").arg(self.directory.path().join(DECLARATION)),
            false => server,
        }))
    }

    /// A visit that is agreed on.
    async fn visit(&mut self, user: &str, wish: &Wish, tier: &Tier) -> Result<(), Error> {
        let connected = match connect(&self.server(user)?, wish, self.console).await? {
            Visit::Agreed(connected) => connected,
            Visit::Refused(refused) => {
                self.check(false, &refused.rejection.to_string());
                return Ok(());
            }
        };
        let quiet = Console { quiet: true, ..*self.console };
        let seen = connected.look(&self.errand, &quiet).await;
        let before = connected.before.clone();
        let left = connected.leave().await;
        let seen = seen?;
        self.tell(&format!(
            "MCP {}, in force: {}",
            seen.version,
            self.paint
                .cyan(&seen.in_force.iter().map(|url| url.as_str()).collect::<Vec<_>>().join(", "))
        ));
        self.tell(&format!(
            "preview {} × {}, {} renditions up to {}, storyboard of {} pictures, {}",
            seen.preview.width,
            seen.preview.height,
            seen.renditions.len(),
            best(&seen),
            seen.storyboard_pictures,
            match seen.subtitles {
                Some(cues) => format!("{cues} subtitles"),
                None => "no tool for subtitles".to_owned(),
            }
        ));
        self.tell(
            &self.paint.dim(&format!("left before agreement: {}", methods(&before).join(", "))),
        );
        let Tier { profile, height, best_rendition, storyboard_pictures, subtitles } = tier;
        let only = seen.in_force.len() == 1 && seen.in_force.has(profile);
        self.check(only, &format!("in force is {:?}", seen.in_force));
        self.check(seen.era == era_name(wish.era), &format!("the era is {}", seen.era));
        self.check(seen.preview.height == *height, "the preview has another height");
        self.check(best(&seen) == *best_rendition, "the best rendition is another");
        self.check(
            seen.renditions.iter().all(|one| one.height <= *height),
            "a rendition is too tall",
        );
        self.check(seen.storyboard_pictures == *storyboard_pictures, "the storyboard is another");
        self.check(seen.progress > 0, "there was no progress");
        self.check(seen.subtitles.is_some() == *subtitles, "subtitles are not as they should be");
        self.nothing_leaked(&before);
        self.nobody_left(&left);
        Ok(())
    }

    /// A visit that is refused.
    async fn refusal(
        &mut self,
        user: &str,
        wish: &Wish,
        reason: &str,
        min: Option<&str>,
    ) -> Result<(), Error> {
        let refused = match connect(&self.server(user)?, wish, self.console).await? {
            Visit::Refused(refused) => refused,
            Visit::Agreed(connected) => {
                connected.leave().await;
                self.check(false, "the server agreed");
                return Ok(());
            }
        };
        let Refused { rejection, sent, left } = *refused;
        for line in format!("{rejection:#}").lines() {
            self.tell(line);
        }
        for url in &wish.require {
            let said = rejection.reason(url);
            let kind = said.map(|said| said.kind().as_str().to_owned()).unwrap_or_default();
            self.check(kind == reason, &format!("the reason for {} is `{kind}`", short(url)));
            let date = said.and_then(|said| said.min_mcp_version()).map(|date| date.to_string());
            self.check(date.as_deref() == min, &format!("the version needed is {date:?}"));
        }
        self.nothing_leaked(&sent);
        self.nobody_left(&left);
        Ok(())
    }

    /// Three calls where two are allowed.
    async fn crowd(&mut self, user: &str) -> Result<(), Error> {
        let wish = wish(EraChoice::Modern, [STANDARD]);
        let Visit::Agreed(connected) = connect(&self.server(user)?, &wish, self.console).await?
        else {
            self.check(false, "the server refused");
            return Ok(());
        };
        let call = || connected.client.call_tool("transcode", json!({ "title": TITLE }));
        let (one, two, three) = tokio::join!(call(), call(), call());
        let mut told = Vec::new();
        for result in [one?, two?, three?] {
            if result.is_failure() {
                told.extend(
                    result.content.iter().filter_map(|block| block.as_text().map(one_line)),
                );
            }
        }
        let left = connected.leave().await;
        for line in &told {
            self.tell(line);
        }
        let named =
            told.len() == 1 && told[0].contains("`concurrent_calls`") && told[0].contains(STANDARD);
        self.check(named, &format!("{} calls were turned away", told.len()));
        self.nobody_left(&left);
        Ok(())
    }

    /// Before agreement neither tool name nor argument leaves the client.
    fn nothing_leaked(&mut self, sent: &[String]) {
        let allowed = ["server/discover", "initialize", "notifications/initialized"];
        let others: Vec<_> =
            methods(sent).into_iter().filter(|name| !allowed.contains(&name.as_str())).collect();
        self.check(others.is_empty(), &format!("left before agreement: {}", others.join(", ")));
        let secret = [TITLE, "\"preview\"", "\"search\"", "\"play\"", "\"transcode\""];
        let leaked = secret.iter().find(|word| sent.iter().any(|message| message.contains(*word)));
        self.check(leaked.is_none(), &format!("{leaked:?} left before agreement"));
    }

    fn nobody_left(&mut self, left: &[u32]) {
        self.check(left.is_empty(), &format!("processes are left: {left:?}"));
    }
}

fn wish<const N: usize>(era: EraChoice, require: [&str; N]) -> Wish {
    Wish { require: require.map(str::to_owned).into(), era, ..Wish::default() }
}

fn era_name(era: EraChoice) -> &'static str {
    match era {
        EraChoice::Legacy => "legacy",
        _ => "modern",
    }
}

fn best(seen: &Seen) -> &str {
    seen.renditions.last().map_or("none", |best| &best.name)
}

fn lost(error: io::Error) -> Error {
    Error::Transport(Box::new(error))
}

const TITLE: &str = "nosferatu";
const DECLARATION: &str = "declaration.json";
const LATER: &str = r#"[{"profileURL": "https://vidsrus/mcp-profiles/premium", "minMcpVersion": "2026-08-13"},
   {"profileURL": "https://vidsrus/mcp-profiles/standard", "minMcpVersion": "2025-08-13"}]"#;
