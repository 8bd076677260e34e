// SPDX-License-Identifier: ISC
// OpenCode's sessions at the hub: each top session of this process is a peer
// of its own.  Installed as plugins/ecorelay.js in OpenCode's configuration
// directory, with ecorelay/relay.mjs beside plugins: every file in plugins is
// loaded as one.  It says nothing on stdout or stderr, which are the host's.

import fs from 'node:fs';
import path from 'node:path';
import { Relay, dataDirectory, fixedName, instructions, slug, tools }
    from '../ecorelay/relay.mjs';

const NAMES_MAX = 500;
const LAST_MESSAGES = 20;

// All of this process, since a server loads the plugin once a directory.
const relays = new Map();	// id of a top session: its Relay
const roots = new Map();	// id of any session: promise of the top one's

// Names outlast the host: session id to name, the latest ones last.

const namesFile = () => path.join(dataDirectory(), 'opencode-sessions.json');

function readNames()
{
	try {
		const names = JSON.parse(fs.readFileSync(namesFile(), 'utf8'));

		return names && typeof names === 'object' ? names : {};
	} catch {
		return {};
	}
}

function keepName(id, name)
{
	const { [id]: old, ...others } = readNames();
	const entries = Object.entries(others).slice(-(NAMES_MAX - 1));
	const file = namesFile(), fresh = `${file}.${process.pid}`;

	if (name !== undefined)
		entries.push([id, name]);
	else if (old === undefined)
		return;
	try {
		fs.mkdirSync(path.dirname(file), { recursive: true,
		    mode: 0o700 });
		fs.writeFileSync(fresh, JSON.stringify(
		    Object.fromEntries(entries)), { mode: 0o600 });
		fs.renameSync(fresh, file);
	} catch {
		// only the name's being kept is lost
	}
}

export const EcoRelay = async ({ client, directory }) => {
	const mine = new Set();
	const modes = new Map();	// session id: agent and model it uses

	const fetchSession = async id =>
	    (await client.session.get({ path: { id } })).data;

	// With what the user works there: a push must not change it.
	async function modeOf(id)
	{
		if (!modes.has(id)) {
			const { data } = await client.session.messages({
				path: { id }, query: { limit: LAST_MESSAGES },
			});
			const last = (data ?? []).map(m => m.info).filter(m =>
			    m?.role === 'user' && m.agent).pop();
			if (!last)
				return {};
			setMode(id, last);
		}
		return modes.get(id);
	}

	function setMode(id, { agent, model, variant })
	{
		modes.set(id, { ...agent && { agent },
		    ...model?.providerID && model.modelID && { model: {
		    providerID: model.providerID, modelID: model.modelID } },
		    ...variant && { variant } });
	}

	// It starts a turn, or joins the one that runs.
	async function deliver(id, text)
	{
		const { error } = await client.session.promptAsync({
			path: { id },
			body: { ...await modeOf(id).catch(() => ({})),
			    parts: [{ type: 'text', text }] },
		});

		if (error)
			throw new Error('OpenCode did not take the message');
	}

	function open(session)
	{
		const { id } = session, cwd = session.directory ?? directory;

		if (relays.has(id))
			return;
		mine.add(id);
		relays.set(id, new Relay({
			name: readNames()[id] ?? fixedName() ??
			    slug(path.basename(cwd)),
			cwd,
			host: 'OpenCode',
			deliver: text => deliver(id, text),
			named: name => keepName(id, name),
		}).start());
	}

	// The top session of one, at the hub from then on: what a subagent
	// does is done in the name of the session that the user sees.
	function rootOf(id, session)
	{
		if (!roots.has(id)) {
			const found = findRoot(id, session);

			roots.set(id, found);
			found.catch(() => roots.delete(id));
		}
		return roots.get(id);
	}

	async function findRoot(id, known)
	{
		const session = known ?? await fetchSession(id);

		if (!session)
			throw new Error('OpenCode does not know the session');
		if (session.parentID)
			return rootOf(session.parentID);
		open(session);
		return id;
	}

	function close(id)
	{
		relays.get(id)?.stop();
		relays.delete(id);
		roots.delete(id);
		modes.delete(id);
		mine.delete(id);
	}

	async function presence(id, status)
	{
		if (await rootOf(id) === id)
			relays.get(id)?.presence(status);
	}

	const handlers = {
		'session.created': ({ info }) => rootOf(info.id, info),
		'session.status': ({ sessionID, status }) => presence(sessionID,
		    status?.type === 'idle' ? 'idle' : 'busy'),
		'session.idle': ({ sessionID }) => presence(sessionID, 'idle'),
		'session.deleted': ({ info }) => {
			close(info.id);
			keepName(info.id, undefined);
		},
	};

	async function execute(tool, args, { sessionID })
	{
		const relay = relays.get(await rootOf(sessionID));

		return JSON.stringify(await relay.call(tool.name, args));
	}

	return {
		event: async ({ event }) => {
			try {
				await handlers[event.type]?.(event.properties);
			} catch {
				// the next event of the session tries again
			}
		},
		'chat.message': async input => {
			setMode(input.sessionID, input);
			await rootOf(input.sessionID).catch(() => {});
		},
		'experimental.chat.system.transform': async (input, output) => {
			if (!output.system.some(s => s.includes(instructions)))
				output.system.push(instructions);
		},
		// OpenCode takes all arguments of a plain schema for required.
		'tool.definition': async ({ toolID }, output) => {
			const tool = tools.find(t => t.name === toolID);
			if (tool && output.jsonSchema)
				output.jsonSchema = { ...output.jsonSchema,
				    required: tool.required };
		},
		tool: Object.fromEntries(tools.map(tool => [tool.name, {
			description: tool.description,
			args: tool.schema,
			execute: (args, context) =>
			    execute(tool, args, context),
		}])),
		dispose: async () => [...mine].forEach(close),
	};
};
