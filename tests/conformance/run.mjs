// Runs the official suite and judges what it wrote: `run` finds what this needs and calls it.
//
// The suite is strict about what a revision requires and lenient about everything else. Here
// everything counts: scenarios that it does not score, warnings, and clients that fail. What it
// leaves out by itself has to be in `LEFT_OUT`, with the place that says so.

import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

/// What servers of 2025-03-26 leave to clients: the only scenarios of that revision. No
/// requirements name them, the suite has them as its suite `backcompat`.
const BACKCOMPAT = {
  revision: '2025-03-26',
  client: ['auth/2025-03-26-oauth-metadata-backcompat', 'auth/2025-03-26-oauth-endpoint-fallback'],
};
const REVISIONS = [BACKCOMPAT.revision, '2025-11-25', '2026-07-28'];
const SIDES = ['server', 'client'];

/// Where the suite's source can be read: the release before the one that runs, in which these
/// scenarios are the same. The package itself holds one long line.
const SOURCE = 'https://github.com/modelcontextprotocol/conformance/blob/c321dd3/src/scenarios/';

/// The checks that the suite itself skips, or gets wrong. Everything else has to pass.
const LEFT_OUT = [
  {
    side: 'server',
    revision: '2026-07-28',
    scenario: 'tasks-status-notifications',
    checks: ['TasksStatusNotificationsScenario'],
    reason: 'always skipped: the suite does not yet listen where these notifications are sent',
    source: 'server/tasks/notifications.ts#L42-L56',
  },
  {
    side: 'client',
    revision: '2026-07-28',
    scenario: 'http-standard-headers',
    checks: ['ClientMcpMethodHeader_initialize', 'ClientMcpMethodHeader_notifications_initialized'],
    reason: 'skipped: this revision has no `initialize`, so a client of it never sends one',
    source: 'client/http-standard-headers.ts#L42-L65',
  },
];

const { options, sides, revisions } = read_arguments();
const suite = join(options.suite, 'node_modules/@modelcontextprotocol/conformance');
const yaml = createRequire(join(suite, 'package.json'))('yaml');
const results = join(options.suite, 'results');
const version = JSON.parse(readFileSync(join(suite, 'package.json'))).version;

/// Processes to end, however this one ends.
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => process.exit(2));
}

const started = Date.now();
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
const report = { suite: version, node: process.version, runs: [] };
const server = sides.includes('server') ? await start_server() : undefined;
for (const revision of revisions) {
  for (const side of sides) {
    if (side === 'server' && revision === BACKCOMPAT.revision) continue;
    report.runs.push(await run(side, revision, true));
    // Once more with a client that is not told the revision: it has to find out what it talks to.
    if (side === 'client') report.runs.push(await run(side, revision, false));
  }
}
if (server && !server.is_running()) {
  fail(`the server ended meanwhile; its messages are in ${server.log}`);
}
server?.stop();
conclude();

/// Runs one side of the suite for one revision, which clients are told or not; prints a line for
/// each scenario as it ends.
async function run(side, revision, told) {
  const { which, scored, reasons } = scenarios_of(side, revision);
  const wanted = [...scored, ...reasons.keys()];
  const title = `${side}, ${revision}${told ? '' : ', not told the revision'}`;
  print(`\n${title}`);
  const folder = join(results, `${side}-${revision}${told ? '' : '-untold'}`);
  const log = `${folder}.log`;
  const untold = told ? '' : 'env -u MCP_CONFORMANCE_PROTOCOL_VERSION ';
  const peer =
    side === 'server'
      ? ['--url', server.url]
      : ['--command', `${untold}${join(options.programs, 'conformance-client')}`];
  const scenarios = new Map();
  const failed_to_run = await watch_suite(
    [side, ...peer, ...which, '--output-dir', folder],
    log,
    (saved) => {
      const scenario = wanted.find((name) => is_of(relative(folder, saved), side, name));
      if (!scenario) fail(`the suite has run what nobody expects, and saved it in ${saved}`);
      if (!scenarios.has(scenario)) {
        const judged = judge(saved, side, revision, scenario);
        scenarios.set(scenario, judged);
        print_scenario(scenario, judged, reasons.get(scenario));
      }
    },
  );
  for (const scenario of wanted.filter((name) => !scenarios.has(name))) {
    const problem = failed_to_run.get(scenario) ?? `it was not run; see ${log}`;
    const judged = { passed: 0, problems: [{ status: 'FAILURE', check: scenario, problem }], left_out: [] };
    scenarios.set(scenario, judged);
    print_scenario(scenario, judged, reasons.get(scenario));
  }
  return {
    title,
    side,
    revision,
    told,
    scenarios: wanted.map((name) => ({
      scenario: name,
      not_scored: reasons.get(name),
      ...scenarios.get(name),
    })),
  };
}

/// The scenarios of one side for one revision: how the suite is told to run them, those that it
/// scores, and why it does not score the others.
function scenarios_of(side, revision) {
  if (revision === BACKCOMPAT.revision) {
    const which = ['--suite', 'backcompat', '--spec-version', revision];
    return { which, scored: BACKCOMPAT[side], reasons: new Map() };
  }
  const file = join(suite, 'requirements', `${revision}.yaml`);
  const requirements = yaml.parse(readFileSync(file, 'utf8'));
  const unscored = requirements.not_scored.filter((entry) => entry.leg === side);
  const reasons = new Map(unscored.map((entry) => [entry.scenario, entry.reason]));
  return { which: ['--requirements', revision], scored: requirements[side], reasons };
}

/// What became of one scenario: what it checked, and whether its client said that it was done.
function judge(saved, side, revision, scenario) {
  const checks = JSON.parse(readFileSync(join(saved, 'checks.json'), 'utf8'));
  const judged = { passed: 0, problems: [], left_out: [] };
  for (const check of checks) {
    const left_out = LEFT_OUT.find(
      (entry) =>
        entry.side === side &&
        entry.revision === revision &&
        entry.scenario === scenario &&
        entry.checks.includes(check.name),
    );
    if (check.status === 'SUCCESS') {
      judged.passed += 1;
    } else if (left_out) {
      judged.left_out.push({ check: check.name, reason: left_out.reason, source: SOURCE + left_out.source });
    } else if (check.status !== 'INFO') {
      const problem = check.errorMessage ?? check.details?.message ?? check.description;
      judged.problems.push({ status: check.status, check: check.name, problem });
    }
  }
  if (side === 'client') {
    const said = readFileSync(join(saved, 'stdout.txt'), 'utf8').trim();
    if (said !== 'done') {
      const complaint = readFileSync(join(saved, 'stderr.txt'), 'utf8').trim();
      const problem = complaint || 'it ended, or was ended, before it was done';
      judged.problems.push({ status: 'FAILURE', check: 'conformance-client', problem });
    }
  }
  if (judged.passed + judged.problems.length + judged.left_out.length === 0) {
    judged.problems.push({ status: 'FAILURE', check: scenario, problem: 'nothing was checked' });
  }
  return judged;
}

function print_scenario(scenario, { passed, problems, left_out }, not_scored) {
  const mark = problems.length > 0 ? '✗' : '✓';
  const counts = [`${passed} passed`];
  for (const [status, word] of [
    ['FAILURE', 'failed'],
    ['WARNING', 'warned'],
    ['SKIPPED', 'skipped'],
  ]) {
    const count = problems.filter((problem) => problem.status === status).length;
    if (count > 0) counts.push(`${count} ${word}`);
  }
  if (left_out.length > 0) counts.push(`${left_out.length} left out by the suite`);
  const note = not_scored ? `   not scored: ${not_scored}` : '';
  print(`  ${mark} ${scenario.padEnd(46)} ${counts.join(', ')}${note}`);
  for (const { status, check, problem } of problems) {
    print(`      ${status.toLowerCase()} ${check}: ${problem.split('\n').join('\n        ')}`);
  }
}

/// Sums up, writes what programs want to read, and ends.
function conclude() {
  const scenarios = report.runs.flatMap((run) => run.scenarios);
  const failed = scenarios.filter((scenario) => scenario.problems.length > 0);
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  print(`\nthe suite is version ${version}; it took ${seconds} s`);
  for (const { title, scenarios } of report.runs) {
    const good = scenarios.filter((scenario) => scenario.problems.length === 0).length;
    const checks = scenarios.reduce((sum, scenario) => sum + scenario.passed, 0);
    print(`  ${title}: ${good} of ${scenarios.length} scenarios passed, ${checks} checks`);
  }
  const left_out = new Set(
    scenarios.flatMap(({ scenario, left_out }) =>
      left_out.map(({ check, reason, source }) => `  ${scenario}, ${check}: ${reason}\n    ${source}`),
    ),
  );
  if (left_out.size > 0) print('left out by the suite itself:');
  left_out.forEach(print);
  if (options.json) {
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  print(`${scenarios.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

/// Runs the suite and tells of each folder of results that it has written; returns the scenarios
/// that it could not run, and why.
async function watch_suite(words, log, saved) {
  const child = child_of(process.execPath, [join(suite, 'dist/index.js'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const failed_to_run = new Map();
  let written = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    let rest = '';
    stream.on('data', (text) => {
      written += text;
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const [, folder] = line.match(/^Results saved to (.*)$/) ?? [];
        if (folder) saved(folder);
        const [, scenario, problem] = line.match(/^Failed to run scenario (\S+): (.*)$/) ?? [];
        if (scenario) failed_to_run.set(scenario, problem);
      }
    });
  }
  await new Promise((resolve) => child.on('close', resolve));
  writeFileSync(log, written);
  return failed_to_run;
}

/// Starts the server under test, and waits until it can be reached.
async function start_server() {
  const port = await free_port();
  const log = join(results, 'server.log');
  const program = join(options.programs, 'conformance-server');
  const child = child_of(program, [], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', openSync(log, 'w'), openSync(log, 'a')],
  });
  const is_running = () => child.exitCode === null && child.signalCode === null;
  for (let attempt = 0; !(await answers(port)); attempt += 1) {
    if (!is_running() || attempt === 100) {
      fail(`${program} does not listen; its messages are in ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const stop = () => child.kill();
  return { url: `http://127.0.0.1:${port}/mcp`, log, is_running, stop };
}

function child_of(program, words, how) {
  const child = spawn(program, words, how);
  children.add(child);
  child.on('exit', () => children.delete(child));
  child.on('error', (error) => fail(`${program} cannot be started: ${error.message}`));
  return child;
}

function free_port() {
  return new Promise((resolve, reject) => {
    const listener = createServer().on('error', reject);
    listener.listen(0, '127.0.0.1', () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
  });
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => socket.destroy() && resolve(true));
    socket.on('error', () => resolve(false));
  });
}

/// Whether a folder holds the results of a scenario: its name is followed by a time.
function is_of(folder, side, scenario) {
  const name = side === 'server' ? `server-${scenario}` : scenario;
  return folder.startsWith(`${name}-`) && /^\d{4}-\d\d-\d\dT[\dZ-]+$/.test(folder.slice(name.length + 1));
}

function read_arguments() {
  const usage = `arguments: [server|client] [${REVISIONS.join('|')}] [--json FILE] [--no-build]`;
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        suite: { type: 'string' },
        programs: { type: 'string' },
        json: { type: 'string' },
      },
    });
    const of = (all) => {
      const named = positionals.filter((word) => all.includes(word));
      return named.length > 0 ? all.filter((word) => named.includes(word)) : all;
    };
    const unknown = positionals.find((word) => ![...SIDES, ...REVISIONS].includes(word));
    if (unknown) throw new Error(`${unknown} is neither a side nor a revision`);
    return { options: values, sides: of(SIDES), revisions: of(REVISIONS) };
  } catch (error) {
    fail(`${error.message}\n${usage}`);
  }
}

function print(line) {
  process.stdout.write(`${line}\n`);
}

function fail(sentence) {
  process.stderr.write(`error: ${sentence}\n`);
  process.exit(2);
}
