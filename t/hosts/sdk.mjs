// SPDX-License-Identifier: ISC
// The official MCP SDK's client with channeld: it lists and calls every tool,
// checks what comes back against the schemas, and gets the notifications.

import { AjvJsonSchemaValidator }
    from '@modelcontextprotocol/sdk/validation/ajv';
import { ErrorCode, McpError, ResultSchema }
    from '@modelcontextprotocol/sdk/types.js';
import assert from 'node:assert/strict';
import { run, until } from './relay.mjs';

const ALL_BYTES = 8000, CORE_BYTES = 2500;
const NEWEST = '2025-11-25', STRUCTURED_SINCE = '2025-06-18';
const VERSIONS = ['2024-11-05', '2025-03-26', STRUCTURED_SINCE, NEWEST];
const MSG_ID = /^m-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ISO8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const CORE = ['relay_ask', 'relay_inbox', 'relay_peers', 'relay_rename',
    'relay_reply', 'relay_send'];
const ROOMS = ['relay_join', 'relay_leave', 'relay_room', 'relay_rooms'];
const GROUPS = ['create', 'delete', 'history', 'info', 'invite', 'leave',
    'list', 'remove', 'send'].map(verb => `relay_group_${verb}`);
const ALL = [...CORE, ...ROOMS, ...GROUPS, 'relay_broadcast',
    'relay_sessions', 'relay_status'].sort();
const READ_ONLY = /^relay_(peers|rooms|group_list|group_info|status|sessions)$/;
const DESTRUCTIVE = /^relay_group_(delete|remove)$/;

// For each tool, arguments that its schema must take and must refuse.
const ARGUMENTS = {
	relay_peers: { good: [{}], bad: [] },
	relay_send: {
		good: [{ to: 'a', text: 'b' }, { to: 'a@h', text: '',
		    reply_to: 'm-1', urgent: true, kind: 'request' }],
		bad: [{}, { to: 'a' }, { text: 'b' }, { to: 1, text: 'b' },
		    { to: 'a', text: null }, { to: 'a', text: 'b',
		    urgent: 'yes' }, { to: 'a', text: 'b', kind: 'order' },
		    { to: 'a', text: 'b', reply_to: 7 }],
	},
	relay_inbox: {
		good: [{}, { limit: 5 }, { since_id: 'm-1' }, { recent: 3 }],
		bad: [{ limit: '5' }, { limit: 1.5 }, { since_id: 5 },
		    { recent: 'all' }],
	},
	relay_reply: {
		good: [{ ask_id: 'k1', text: 'a' }],
		bad: [{}, { ask_id: 'k1' }, { text: 'a' },
		    { ask_id: 1, text: 'a' }, { ask_id: 'k1', text: ['a'] }],
	},
	relay_ask: {
		good: [{ to: 'a', question: 'b' }, { to: 'a', question: 'b',
		    thread_id: 't', timeout_s: 5 }],
		bad: [{ to: 'a' }, { question: 'b' }, { to: 'a',
		    question: 'b', timeout_s: '5' }, { to: {}, question: 'b' }],
	},
	relay_broadcast: {
		good: [{ question: 'b' }, { question: 'b',
		    exclude_self: false }],
		bad: [{}, { question: 3 }, { question: 'b',
		    exclude_self: 'no' }],
	},
	relay_rename: { good: [{ new_name: 'a' }], bad: [{}, { new_name: 1 }] },
	relay_status: { good: [{}, { msg_id: 'm-1' }], bad: [{ msg_id: 1 }] },
	relay_sessions: { good: [{}], bad: [] },
	relay_rooms: { good: [{}], bad: [] },
	relay_room: {
		good: [{ room: 'r', text: 'a' }],
		bad: [{}, { room: 'r' }, { text: 'a' }, { room: 1, text: 'a' },
		    { room: 'r', text: 5 }],
	},
	relay_group_create: {
		good: [{ name: 'g', members: [] }, { name: 'g',
		    members: ['a', 'b'] }],
		bad: [{}, { name: 'g' }, { members: ['a'] }, { name: 'g',
		    members: 'a' }, { name: 'g', members: ['a', 1] },
		    { name: 'g', members: { a: 1 } }],
	},
	relay_group_invite: {
		good: [{ group: 'g', peer: 'a' }],
		bad: [{}, { group: 'g' }, { peer: 'a' }, { group: 'g',
		    peer: ['a'] }],
	},
	relay_group_remove: {
		good: [{ group: 'g', peer: 'a', reason: 'b' }],
		bad: [{}, { group: 'g', peer: 'a' }, { peer: 'a',
		    reason: 'b' }, { group: 'g', peer: 'a', reason: 1 }],
	},
	relay_group_send: {
		good: [{ group: 'g', text: 'a' }],
		bad: [{}, { group: 'g' }, { text: 'a' }, { group: 'g',
		    text: null }],
	},
	relay_group_history: {
		good: [{ group: 'g' }, { group: 'g', limit: 5 }],
		bad: [{}, { group: 'g', limit: '5' }, { group: 'g',
		    limit: 1.5 }, { group: 1 }],
	},
	relay_group_list: { good: [{}], bad: [] },
};
for (const tool of ['relay_join', 'relay_leave'])
	ARGUMENTS[tool] = { good: [{ room: 'r' }], bad: [{}, { room: 1 }] };
for (const tool of GROUPS.filter(name => !ARGUMENTS[name]))
	ARGUMENTS[tool] = { good: [{ group: 'g' }], bad: [{}, { group: 1 }] };

async function pair(hub, a, b)
{
	const sessions = [await hub.session(a), await hub.session(b)];

	for (const s of sessions)
		await sees(s, sessions.find(other => other !== s).name);
	return sessions;
}

// Waits until a session is there for another one, or is not any more.
async function sees(session, name, there = true)
{
	await until(`${session.name} sees ${name} ${there ? 'come' : 'go'}`,
	    async () => {
		const { peers } = await session.call('relay_peers');

		return peers.some(p => p.name === name) === there;
	});
}

// What the hosts ask of a notification: strings only, and plain keys.
function wellFormed(params)
{
	assert.deepEqual(Object.keys(params).sort(), ['content', 'meta']);
	assert.equal(typeof params.content, 'string');
	for (const [key, value] of Object.entries(params.meta)) {
		assert.match(key, /^[A-Za-z_][A-Za-z0-9_]*$/);
		assert.equal(typeof value, 'string', key);
	}
	return params;
}

async function rejects(promise, code)
{
	await assert.rejects(promise, error => {
		assert.ok(error instanceof McpError, error);
		assert.equal(error.code, code);
		return true;
	});
}

// What of a list of tools reaches a model.
function modelBytes(tools)
{
	return Buffer.byteLength(JSON.stringify(tools.map(
	    ({ name, description, inputSchema }) =>
	    ({ name, description, inputSchema }))));
}

const cases = {};

cases['the server says who it is'] = async hub => {
	const { client, transport } = await hub.session('hello');
	const server = client.getServerVersion();
	const capabilities = client.getServerCapabilities();

	assert.equal(transport.negotiated, NEWEST);
	assert.equal(server.name, 'ecorelay');
	assert.match(server.version, /^\d+\.\d+\.\d+/);
	assert.ok(capabilities.tools);
	assert.ok(capabilities.logging);
	assert.deepEqual(capabilities.experimental, { 'claude/channel': {} });
	assert.match(client.getInstructions(), /relay_reply/);
	assert.ok(client.getInstructions().split('\n\n').length >= 5);
};

cases['versions are negotiated'] = async hub => {
	const wanted = { '2024-10-07': NEWEST, '2099-01-01': NEWEST };

	VERSIONS.forEach(version => { wanted[version] = version; });
	for (const [version, answer] of Object.entries(wanted)) {
		const s = await hub.session('old', { version });
		const structured = answer >= STRUCTURED_SINCE;

		assert.equal(s.transport.negotiated, answer);
		const { tools } = await s.client.listTools();
		assert.ok(tools.every(t => !!t.outputSchema === structured));
		const result = await s.raw('relay_peers');
		assert.equal(s.object(result).me, 'old');
		assert.equal(!!result.structuredContent, structured);
		await s.end();
	}
};

cases['every tool is listed, with valid schemas'] = async hub => {
	const { client } = await hub.session('lister');
	const { tools, nextCursor } = await client.listTools();
	const ajv = new AjvJsonSchemaValidator();

	assert.equal(nextCursor, undefined);
	assert.deepEqual(tools.map(t => t.name).sort(), ALL);
	for (const tool of tools) {
		assert.ok(tool.description.length > 40, tool.name);
		assert.equal(tool.inputSchema.type, 'object');
		assert.equal(tool.outputSchema.type, 'object');
		ajv.getValidator(tool.inputSchema);
		ajv.getValidator(tool.outputSchema);
		assert.deepEqual(tool.annotations, {
			readOnlyHint: READ_ONLY.test(tool.name),
			destructiveHint: DESTRUCTIVE.test(tool.name),
			openWorldHint: false,
		}, tool.name);
	}
};

cases['the tools cost a model few bytes'] = async hub => {
	const all = await hub.session('all');
	const core = await hub.session('core', { args: ['-t', 'core'] });
	const allTools = (await all.client.listTools()).tools;
	const coreTools = (await core.client.listTools()).tools;

	assert.deepEqual(coreTools.map(t => t.name).sort(), CORE);
	assert.ok(modelBytes(allTools) <= ALL_BYTES, modelBytes(allTools));
	assert.ok(modelBytes(coreTools) <= CORE_BYTES, modelBytes(coreTools));
	await rejects(core.raw('relay_broadcast', { question: 'x' }),
	    ErrorCode.InvalidParams);
};

cases['what a schema refuses the tool refuses'] = async hub => {
	const s = await hub.session('schemas');
	const ajv = new AjvJsonSchemaValidator();

	for (const tool of (await s.client.listTools()).tools) {
		const validator = ajv.getValidator(tool.inputSchema);
		const { good, bad } = ARGUMENTS[tool.name];

		for (const args of good)
			assert.ok(validator(args).valid, JSON.stringify(args));
		for (const args of bad) {
			assert.ok(!validator(args).valid, `${tool.name} ` +
			    JSON.stringify(args));
			assert.equal(await s.refused(tool.name, args),
			    'bad_args');
		}
	}
	// Beyond what a schema says.
	for (const [tool, args, code] of [
		['relay_send', { to: '', text: 'x' }, 'bad_args'],
		['relay_send', { to: 'a b', text: 'x' }, 'bad_args'],
		['relay_send', { to: 'x'.repeat(200), text: 'x' }, 'bad_args'],
		['relay_send', { to: 'a', text: 'x'.repeat(524289) },
		    'too_large'],
		['relay_rename', { new_name: 'a/b' }, 'bad_args'],
		['relay_inbox', { limit: 0 }, 'bad_args'],
		['relay_inbox', { limit: 101 }, 'bad_args'],
		['relay_ask', { to: 'a', question: 'x', timeout_s: 0 },
		    'bad_args'],
		['relay_join', { room: 'a/b' }, 'bad_args'],
		['relay_room', { room: 'x'.repeat(65), text: '' }, 'bad_args'],
		['relay_group_create', { name: '..', members: [] },
		    'bad_args'],
		['relay_group_history', { group: 'g', limit: 501 },
		    'bad_args'],
		['relay_group_send', { group: 'g', text: 'x'.repeat(524289) },
		    'too_large'],
	])
		assert.equal(await s.refused(tool, args), code, tool);
};

cases['requests that it does not know'] = async hub => {
	const { client } = await hub.session('unknown');

	await rejects(client.request({ method: 'server/discover', params: {} },
	    ResultSchema), ErrorCode.MethodNotFound);
	await rejects(client.request({ method: 'resources/list' },
	    ResultSchema), ErrorCode.MethodNotFound);
	await rejects(client.callTool({ name: 'relay_nothing',
	    arguments: {} }), ErrorCode.InvalidParams);
	await rejects(client.request({ method: 'tools/call', params: {} },
	    ResultSchema), ErrorCode.InvalidParams);
	await client.notification({ method: 'notifications/whatever' });
	await client.ping();
	await client.setLoggingLevel('debug');
};

cases['peers see each other'] = async hub => {
	const [a, b] = await pair(hub, 'seer-a', 'seer-b');
	const { me, peers } = await a.call('relay_peers');

	assert.equal(me, 'seer-a');
	assert.equal(peers.length, 1);
	assert.equal(peers[0].name, 'seer-b');
	assert.equal(peers[0].cwd, hub.dir);
	assert.equal(peers[0].git_branch, '');
	assert.ok(Math.abs(peers[0].last_seen - Date.now()) < 60000);
	await b.end();
	await sees(a, 'seer-b', false);
};

cases['a message is pushed, read, answered and seen'] = async hub => {
	const [a, b] = await pair(hub, 'post-a', 'post-b');
	const text = 'Grüße \u{1f600} "quoted" \\ \n\ttabs';
	const sent = await a.call('relay_send', { to: 'post-b', text,
	    urgent: true, kind: 'request', reply_to: 'earlier' });
	const push = wellFormed(await b.push({ msg_id: sent.msg_id }));

	assert.deepEqual(sent, { ok: true, msg_id: sent.msg_id,
	    status: 'delivered' });
	assert.match(sent.msg_id, MSG_ID);
	assert.equal(push.content, text);
	assert.match(push.meta.ts, ISO8601);
	assert.deepEqual(push.meta, { from: 'post-a', msg_id: sent.msg_id,
	    ts: push.meta.ts, reply_to: 'earlier', urgent: 'true',
	    kind: 'request' });
	assert.equal((await b.call('relay_peers')).unread, 1);
	const inbox = await b.call('relay_inbox');
	assert.equal(inbox.remaining, 0);
	assert.equal(inbox.messages.length, 1);
	assert.equal(inbox.messages[0].text, text);
	assert.equal(inbox.messages[0].from, 'post-a');
	assert.equal(inbox.messages[0].msg_id, sent.msg_id);
	assert.equal((await b.call('relay_peers')).unread, undefined);
	const status = await a.call('relay_status', { msg_id: sent.msg_id });
	assert.equal(status.state, 'seen');
	assert.equal(status.to, 'post-b');
	const answer = await b.call('relay_reply', { ask_id: sent.msg_id,
	    text: 'read it' });
	const back = wellFormed(await a.push({ reply_to: sent.msg_id }));
	assert.equal(back.content, 'read it');
	assert.equal(back.meta.from, 'post-b');
	assert.equal(back.meta.msg_id, answer.msg_id);
};

cases['a message waits for who is away'] = async hub => {
	const [a, b] = await pair(hub, 'wait-a', 'wait-b');

	await b.end();
	await sees(a, 'wait-b', false);
	const texts = ['one', 'two', 'three'], ids = [];
	for (const text of texts) {
		const sent = await a.call('relay_send', { to: 'wait-b', text });
		assert.equal(sent.status, 'queued');
		ids.push(sent.msg_id);
	}
	const { sessions } = await a.call('relay_sessions');
	const away = sessions.find(s => s.name === 'wait-b');
	assert.equal(away.online, false);
	assert.equal(away.unread, 3);
	assert.equal(sessions.find(s => s.name === 'wait-a').online, true);
	const c = await hub.session('wait-b');
	assert.equal((await c.call('relay_peers')).unread, 3);
	assert.equal((await c.call('relay_status')).unread, 3);
	const first = await c.call('relay_inbox', { limit: 2 });
	assert.deepEqual(first.messages.map(m => m.text), ['one', 'two']);
	assert.equal(first.remaining, 1);
	const rest = await c.call('relay_inbox');
	assert.deepEqual(rest.messages.map(m => m.text), ['three']);
	assert.deepEqual((await c.call('relay_inbox')).messages, []);
	const { messages } = await c.call('relay_inbox', { recent: 2 });
	assert.deepEqual(messages.map(m => m.msg_id), ids.slice(1));
	const since = await c.call('relay_inbox', { since_id: ids[0] });
	assert.deepEqual(since.messages.map(m => m.text), ['two', 'three']);
};

cases['a question is asked and answered'] = async hub => {
	const [a, b] = await pair(hub, 'ask-a', 'ask-b');
	const { ok, ask_id } = await a.call('relay_ask', { to: 'ask-b',
	    question: 'What is it?', thread_id: 't-1' });
	const ask = wellFormed(await b.push({ ask_id }));

	assert.equal(ok, true);
	assert.equal(ask.content, 'What is it?');
	assert.deepEqual(ask.meta, { from: 'ask-a', ask_id, thread_id: 't-1' });
	assert.deepEqual(await b.call('relay_reply', { ask_id,
	    text: 'It is this.' }), { ok: true });
	const reply = wellFormed(await a.push({ ask_id }));
	assert.equal(reply.content, 'It is this.');
	assert.deepEqual(reply.meta, { from: 'ask-b', ask_id,
	    thread_id: 't-1' });
	assert.equal(await b.refused('relay_reply', { ask_id, text: 'again' }),
	    'unknown_ask');
	assert.equal(await b.refused('relay_reply', { ask_id: 'no-such',
	    text: 'x' }), 'unknown_ask');
};

// Asks, and returns the notification that says why there is no answer.
async function failedAsk(session, args)
{
	const { ask_id } = await session.call('relay_ask', { ...args,
	    question: 'Still there?' });
	const push = wellFormed(await session.push({ ask_id }));

	assert.deepEqual(Object.keys(push.meta).sort(), ['ask_id', 'code']);
	assert.match(push.content, /broadcast/);
	return push;
}

cases['a failed question says why'] = async hub => {
	const [a, b] = await pair(hub, 'fail-a', 'fail-b');

	assert.equal((await failedAsk(a, { to: 'nobody-here' })).meta.code,
	    'peer_not_found');
	assert.equal((await failedAsk(a, { to: 'fail-b',
	    timeout_s: 1 })).meta.code, 'timeout');
	const gone = failedAsk(a, { to: 'fail-b' });
	await b.push({ from: 'fail-a' });
	await b.push({ from: 'fail-a' });
	await b.end();
	assert.equal((await gone).meta.code, 'peer_gone');
};

cases['a broadcast reaches all, and answers come back'] = async hub => {
	const [a, b] = await pair(hub, 'cast-a', 'cast-b');
	const c = await hub.session('cast-c');

	await sees(a, 'cast-c');
	const { ok, broadcast_id, peer_count } = await a.call(
	    'relay_broadcast', { question: 'Who has the key?' });
	assert.equal(ok, true);
	assert.equal(peer_count, 2);
	for (const s of [b, c]) {
		const ask = wellFormed(await s.push({ broadcast_id }));
		assert.equal(ask.content, 'Who has the key?');
		assert.equal(ask.meta.from, 'cast-a');
		await s.call('relay_reply', { ask_id: ask.meta.ask_id,
		    text: `not ${s.name}` });
		const reply = wellFormed(await a.push({ from: s.name }));
		assert.equal(reply.meta.broadcast_id, broadcast_id);
		assert.equal(reply.content, `not ${s.name}`);
	}
};

cases['a session is renamed'] = async hub => {
	const [a, b] = await pair(hub, 'name-a', 'name-b');

	assert.equal(await a.refused('relay_rename', { new_name: 'name-b' }),
	    'name_taken');
	assert.deepEqual(await a.call('relay_rename', { new_name: 'name-c' }),
	    { ok: true, name: 'name-c' });
	assert.equal((await a.call('relay_peers')).me, 'name-c');
	await sees(b, 'name-c');
	const { msg_id } = await b.call('relay_send', { to: 'name-c',
	    text: 'by the new name' });
	assert.equal((await a.push({ msg_id })).content, 'by the new name');
};

cases['a room is joined, heard and left'] = async hub => {
	const [a, b] = await pair(hub, 'room-a', 'room-b');

	assert.deepEqual(await a.call('relay_join', { room: 'dev' }),
	    { ok: true, room: 'dev', members: ['room-a'] });
	assert.deepEqual((await b.call('relay_join', { room: 'dev' })).members,
	    ['room-a', 'room-b']);
	assert.deepEqual(await a.call('relay_rooms'), { rooms: [
	    { name: 'dev', members: ['room-a', 'room-b'] }] });
	assert.deepEqual(await a.call('relay_room', { room: 'dev',
	    text: 'Deploying.' }),
	    { ok: true, room: 'dev', delivered_count: 1 });
	const push = wellFormed(await b.push({ room: 'dev' }));
	const { msg_id } = push.meta;
	assert.match(msg_id, MSG_ID);
	assert.equal(push.content, 'Deploying.');
	assert.deepEqual(push.meta, { from: 'room-a', room: 'dev', msg_id });
	assert.equal((await b.call('relay_peers')).unread, 1);
	const inbox = await b.call('relay_inbox');
	assert.deepEqual(inbox.room_messages, [{ room: 'dev', from: 'room-a',
	    text: 'Deploying.', msg_id, pushed: true }]);
	assert.deepEqual(await b.call('relay_leave', { room: 'dev' }),
	    { ok: true });
	assert.equal((await a.call('relay_room', { room: 'dev',
	    text: 'Done.' })).delivered_count, 0);
};

cases['a group is made, used and deleted'] = async hub => {
	const [a, b] = await pair(hub, 'group-a', 'group-b');
	const group = 'team';

	assert.deepEqual(await a.call('relay_group_create', { name: group,
	    members: ['group-b'] }),
	    { ok: true, group, members: ['group-a', 'group-b'] });
	assert.deepEqual(await a.call('relay_group_invite', { group,
	    peer: 'group-c' }), { ok: true });
	assert.deepEqual(await a.call('relay_group_send', { group,
	    text: 'Welcome.' }), { ok: true });
	const push = wellFormed(await b.push({ group }));
	assert.equal(push.content, 'Welcome.');
	assert.match(push.meta.ts, ISO8601);
	assert.deepEqual(push.meta, { from: 'group-a', group, msg_id: '1',
	    ts: push.meta.ts });
	assert.deepEqual(await b.call('relay_group_list'), { ok: true,
	    groups: [{ name: group, unread_count: 1 }] });
	const info = await b.call('relay_group_info', { group });
	assert.equal(info.admin, 'group-a');
	assert.deepEqual(info.members.find(m => m.name === 'group-c'),
	    { name: 'group-c', online: false });
	const { messages, unread_remaining } = await b.call(
	    'relay_group_history', { group });
	assert.equal(unread_remaining, 0);
	assert.deepEqual(messages, [{ id: 1, from: 'group-a',
	    text: 'Welcome.', ts: messages[0].ts, type: 'message' }]);
	assert.match(messages[0].ts, ISO8601);
	assert.deepEqual(await a.call('relay_group_remove', { group,
	    peer: 'group-c', reason: 'It is away.' }), { ok: true });
	assert.equal(await b.refused('relay_group_delete', { group }),
	    'not_admin');
	assert.deepEqual(await b.call('relay_group_leave', { group }),
	    { ok: true });
	assert.equal(await b.refused('relay_group_send', { group,
	    text: 'x' }), 'not_member');
	assert.deepEqual(await a.call('relay_group_delete', { group }),
	    { ok: true });
	assert.deepEqual((await a.call('relay_group_list')).groups, []);
};

cases['the state of the hub'] = async hub => {
	const s = await hub.session('state');
	const status = await s.call('relay_status');

	assert.equal(status.ok, true);
	assert.equal(status.me, 'state');
	assert.equal(status.unread, 0);
	assert.match(status.hub.version, /^\d+\.\d+\.\d+/);
	assert.ok(Number.isInteger(status.hub.uptime_s));
	assert.deepEqual(status.hub.links, []);
};

cases['many calls at once, and calls that nobody waits for'] = async hub => {
	const [a, b] = await pair(hub, 'many-a', 'many-b');
	const abort = new AbortController();
	const dropped = a.raw('relay_inbox', {}, { signal: abort.signal });

	abort.abort();
	await assert.rejects(dropped);
	const sent = await Promise.all(Array.from({ length: 40 }, (_, i) =>
	    a.call('relay_send', { to: 'many-b', text: `number ${i}` })));
	assert.equal(new Set(sent.map(s => s.msg_id)).size, sent.length);
	for (const [i, { msg_id }] of sent.entries())
		assert.equal((await b.push({ msg_id })).content, `number ${i}`);
	await a.client.notification({ method: 'notifications/cancelled',
	    params: { requestId: 1 } });
	await a.client.ping();
	// The dropped one may have been answered before that was heard.
	a.errors = a.errors.filter(e => !/unknown message ID/.test(e));
};

cases['every tool was called'] = async hub => {
	assert.deepEqual([...hub.called].filter(name =>
	    name !== 'relay_nothing').sort(), ALL);
};

cases['the hub leaves and nothing is left'] = async hub => {
	await hub.hasLeft();
};

await run('sdk.mjs', cases);
