// SPDX-License-Identifier: ISC
// Gemini CLI, which cannot be woken: one turn that calls, tells and answers.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { boss, hubEnv, makeHome, modelSees, play, runHost, top }
    from './stage.mjs';

const home = makeHome('gemini', [`${top}/channeld/channeld`, '-n', 'gemini']);
const file = path.join(home, '.gemini/settings.json');
const settings = JSON.parse(fs.readFileSync(file, 'utf8'));
let turn;

settings.mcpServers.relay.env = hubEnv;
fs.writeFileSync(file, JSON.stringify(settings));
await play('gemini.mjs', {
	'the session is a peer': async () => {
		turn = runHost('gemini', ['-m', 'gemini-2.5-flash', '--yolo',
		    '-p', '@@sleep 1\n@@sleep 1\n@@sleep 5000\n' +
		    '@@call relay_peers {}\n' +
		    '@@call relay_send {"to":"boss","text":"here"}\n' +
		    '@@call relay_reply {"ask_id":"k-2","text":"yes"}']);
		await boss.sees('gemini');
	},
	'its model tells and answers': async () => {
		boss.say({ type: 'ask', to: 'gemini', ask_id: 'k-2',
		    question: 'are you there?' });
		await boss.hear({ type: 'incoming_message', from: 'gemini',
		    text: 'here' });
		const { text } = await boss.hear({ type: 'incoming_reply',
		    ask_id: 'k-2' });

		assert.equal(text, 'yes');
		await modelSees('last_seen');
		await turn;
	},
});
