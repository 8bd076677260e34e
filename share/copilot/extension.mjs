// SPDX-License-Identifier: ISC
// A session of Copilot CLI at the hub.  Installed as
// extensions/ecorelay/extension.mjs in Copilot's directory, with relay.mjs
// beside it.

import { joinSession } from '@github/copilot-sdk/extension';
import path from 'node:path';
import { Relay, fixedName, instructions, slug, tools } from './relay.mjs';

// stdout carries the host's protocol.
for (const method of ['log', 'info', 'debug', 'dir', 'table'])
	console[method] = () => {};

const cwd = process.cwd();
let session;

const relay = new Relay({
	name: fixedName() ?? slug(`copilot-${path.basename(cwd)}`),
	cwd,
	host: 'Copilot CLI',
	// immediate: at the next step of a turn; enqueue: when it has ended
	deliver: (text, { urgent }) => session.send({ prompt: text,
	    mode: urgent ? 'immediate' : 'enqueue' }),
});

async function handle(tool, args)
{
	const result = await relay.call(tool.name, args);

	return { textResultForLlm: JSON.stringify(result),
	    resultType: result.ok === false ? 'failure' : 'success' };
}

session = await joinSession({
	tools: tools.map(tool => ({
		name: tool.name,
		description: tool.description,
		parameters: { type: 'object', properties: tool.schema,
		    required: tool.required },
		skipPermission: true,
		handler: args => handle(tool, args),
	})),
	hooks: {
		onSessionStart: async () => ({ additionalContext: instructions }),
	},
});

session.on('assistant.turn_start', () => relay.presence('busy'));
session.on('session.idle', () => relay.presence('idle'));
session.on('session.shutdown', () => relay.stop());
process.on('SIGTERM', () => {
	relay.stop();
	process.exit(0);
});
relay.start();
