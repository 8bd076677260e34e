// SPDX-License-Identifier: ISC
// OpenCode as a server, with our plugin: its sessions are peers, what is sent
// to one starts a turn there, and one that is resumed has its old name.

import assert from 'node:assert/strict';
import path from 'node:path';
import { boss, freePort, makeHome, play, runHost, shareInto, startHost,
    until, woken } from './stage.mjs';

const port = await freePort();
const config = path.join(makeHome('opencode'), '.config/opencode');
let session, said = '';

shareInto([['opencode/ecorelay.js', `${config}/plugins/ecorelay.js`],
    ['lib/relay.mjs', `${config}/ecorelay/relay.mjs`]]);
const host = startHost('opencode', ['serve', '--port', `${port}`], {},
    ['ignore', 'pipe', 'ignore']);
host.stdout.on('data', text => { said += text; });

async function http(method, where, body)
{
	const answer = await fetch(`http://127.0.0.1:${port}${where}`, {
		method, headers: { 'content-type': 'application/json' },
		body: body && JSON.stringify(body),
	});

	return answer.json();
}

await play('opencode.mjs', {
	'a session is a peer, a child session is none': async () => {
		// A request that comes sooner is never answered.
		await until('OpenCode listens', () => /listening/.test(said));
		session = await http('POST', '/session', {});
		await boss.sees('work');
		await http('POST', '/session', { parentID: session.id });
		await http('POST', '/session', {});
		await boss.sees('work-2');
		assert.deepEqual(await boss.names(), ['work', 'work-2']);
	},
	...woken(boss, 'work', { joins: true }),
	'a deleted session leaves': async () => {
		await http('DELETE', `/session/${session.id}`);
		await until('it has left', async () =>
		    (await boss.names()).join() === 'work-2');
	},
	'a resumed session has its old name': async () => {
		const first = await runHost('opencode', ['run', '--format',
		    'json'], { input:
		    '@@call relay_rename {"new_name":"frontend"}' });
		const id = /"sessionID":"([^"]+)"/.exec(first)?.[1];
		const next = await runHost('opencode', ['run', '--format',
		    'json', '-s', id], { input: '@@call relay_peers {}\n' +
		    '@@call relay_send {"to":"boss","text":"again"}' });

		assert.match(next, /\\"me\\":\\"frontend\\"/);
		await boss.hear({ type: 'incoming_message', from: 'frontend',
		    text: 'again' });
	},
});
