// SPDX-License-Identifier: ISC
// Claude Code, OpenCode and Copilot CLI in one conversation: a room, a group
// and a broadcast, each getting what it must.

import assert from 'node:assert/strict';
import path from 'node:path';
import { boss, freePort, makeHome, openTerminal, play, shareInto, startHost,
    top, until } from './stage.mjs';

const TOOLS = ['peers', 'send', 'reply', 'join', 'room', 'group_send',
    'broadcast'].map(t => `mcp__relay__relay_${t}`);
const NAMES = ['claude', 'copilot-work', 'work'];
const port = await freePort();
let said = '';

const claude = makeHome('claude', [`${top}/channeld/channeld`]);
const opencode = path.join(makeHome('opencode'), '.config/opencode');
const copilot = path.join(makeHome('copilot'),
    '.copilot/extensions/ecorelay');

shareInto([['opencode/ecorelay.js', `${opencode}/plugins/ecorelay.js`],
    ['lib/relay.mjs', `${opencode}/ecorelay/relay.mjs`],
    ['copilot/extension.mjs', `${copilot}/extension.mjs`],
    ['lib/relay.mjs', `${copilot}/relay.mjs`]]);

// What its model is to do; the answer that says it did.
async function does(name, ...calls)
{
	const text = `did ${++does.n}`;

	await boss.send(name, [...calls, 'relay_send ' +
	    JSON.stringify({ to: 'boss', text })].map(c => `@@call ${c}`)
	    .join('\n'));
	await boss.hear({ type: 'incoming_message', from: name, text });
}
does.n = 0;

await play('mixed.mjs', {
	'three hosts are there': async () => {
		openTerminal('claude', ['--mcp-config',
		    path.join(claude, 'mcp.json'), '--strict-mcp-config',
		    '--permission-mode', 'default', '--allowedTools',
		    TOOLS.join(',')], { ENABLE_TOOL_SEARCH: 'false',
		    RELAY_PEER_ID: 'claude' });
		const terminal = openTerminal('copilot', ['--experimental',
		    '--allow-all-tools']);
		const server = startHost('opencode', ['serve', '--port',
		    `${port}`], {}, ['ignore', 'pipe', 'ignore']);

		server.stdout.on('data', text => { said += text; });
		await until('Copilot asks', () =>
		    /Do you trust/.test(terminal.screen()));
		terminal.press('Enter');
		await until('OpenCode listens', () => /listening/.test(said));
		await fetch(`http://127.0.0.1:${port}/session`, {
			method: 'POST', body: '{}',
			headers: { 'content-type': 'application/json' },
		});
		for (const name of NAMES)
			await boss.sees(name);
	},
	'in a room each hears the others, and answers': async () => {
		await boss.request({ type: 'join_room', room: 'hall' });
		for (const name of NAMES)
			await does(name, 'relay_join {"room":"hall"}');
		const { delivered_count } = await boss.request({
		    type: 'room_msg', room: 'hall', msg_id: 'm-hall',
		    text: '@@call relay_send {"to":"boss","text":"heard it"}' });

		assert.equal(delivered_count, 3);
		for (const name of NAMES)
			await boss.hear({ type: 'incoming_message', from: name,
			    text: 'heard it' });
		await does('work', 'relay_room {"room":"hall","text":"all?"}');
		assert.equal((await boss.hear({ type: 'incoming_room_msg' }))
		    .from, 'work');
	},
	'in a group, too': async () => {
		const { members } = await boss.request({ type: 'group_create',
		    name: 'team', members: NAMES });

		assert.deepEqual(members.slice().sort(),
		    [...NAMES, 'boss'].sort());
		await boss.request({ type: 'group_send', group: 'team',
		    text: '@@call relay_send {"to":"boss","text":"read it"}' });
		for (const name of NAMES)
			await boss.hear({ type: 'incoming_message', from: name,
			    text: 'read it' });
		await does('copilot-work',
		    'relay_group_send {"group":"team","text":"from copilot"}');
		assert.equal((await boss.hear({ type: 'incoming_group_msg',
		    text: 'from copilot' })).from, 'copilot-work');
	},
	'a broadcast reaches all, and its answers come back': async () => {
		const broadcast_id = 'b-1';
		const { peer_count } = await boss.request({ type: 'broadcast',
		    broadcast_id, question: NAMES.map(name => '@@call ' +
		    `relay_reply {"ask_id":"b-1:${name}","text":"${name}"}`)
		    .join('\n') });

		assert.equal(peer_count, 3);
		for (const name of NAMES)
			await boss.hear({ type: 'incoming_reply', from: name,
			    broadcast_id, text: name });
	},
});
