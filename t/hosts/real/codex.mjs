// SPDX-License-Identifier: ISC
// Codex in a terminal; its first call tells the thread that is woken later.

import fs from 'node:fs';
import path from 'node:path';
import { boss, hubEnv, makeHome, modelSees, openTerminal, play, top, woken }
    from './stage.mjs';

const home = makeHome('codex', [`${top}/channeld/channeld`, '-n', 'codex']);
const quoted = Object.entries(hubEnv).map(([key, value]) =>
    `${key} = ${JSON.stringify(value)}\n`).join('');

fs.appendFileSync(path.join(home, '.codex/config.toml'),
    `[mcp_servers.relay.env]\n${quoted}\n[projects.${
    JSON.stringify(path.join(home, 'work'))}]\ntrust_level = "trusted"\n`);
openTerminal('codex', ['@@call relay_peers {}']);
await play('codex.mjs', {
	'the first turn calls a tool': () => modelSees('last_seen'),
	...woken(boss, 'codex', { joins: false }),
});
