// Options come first, then the server's command, which is left alone.
export function parse(argv, names, flags = []) {
  const options = {};
  let rest = argv.slice(2);
  while (rest[0]?.startsWith('--')) {
    const [option, ...more] = rest;
    const name = option.slice(2);
    if (option === '--') {
      rest = more;
      break;
    } else if (flags.includes(name)) {
      options[name] = true;
      rest = more;
    } else if (names.includes(name) && more.length > 0) {
      options[name] = more[0];
      rest = more.slice(1);
    } else {
      console.error(`unknown option ${option}`);
      process.exit(2);
    }
  }
  return { options, command: rest };
}

export function parseClient(argv, names = []) {
  const { options, command } = parse(argv, [...names, 'url'], ['unknown-tool-is-result']);
  if ((command.length === 0) === (options.url === undefined)) {
    console.error('give the command of a server, or its address: --url <url>');
    process.exit(2);
  }
  return { options, command };
}
