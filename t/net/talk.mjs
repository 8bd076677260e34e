// SPDX-License-Identifier: ISC
// What sessions say to each other, and whether it has arrived: once, from
// whom, and in the order in which it was sent.

import assert from 'node:assert/strict';

import { until, WAIT_MS } from './lab.mjs';

function peersOf(session, sessions)
{
	return sessions.filter(s => s !== session).map(s => ({
	    name: s.nameFrom(session.host), cwd: s.cwd,
	    git_branch: s.git_branch }))
	    .sort((a, b) => a.name < b.name ? -1 : 1);
}

// Each hub knows all sessions, and what there is to be known of them.
export async function allKnown(hosts, sessions, ms = WAIT_MS)
{
	await Promise.all(hosts.map(host => {
		const session = sessions.find(s => s.host === host);
		const wanted = JSON.stringify(peersOf(session, sessions));
		let is;

		return until(`${host.id} lists all sessions`, async () => {
			is = JSON.stringify((await session.peers()).map(
			    ({ name, cwd, git_branch }) =>
			    ({ name, cwd, git_branch })));
			return is === wanted;
		}, ms, () => `\n  is     ${is}\n  wanted ${wanted}`);
	}));
}

// What a receiver got, a list of messages, against what was sent to it.
function checkList(receiver, what, list, wanted)
{
	const complain = text => receiver.complain(`${what}: ${text}`);
	const last = new Map(), seen = new Map();

	for (const msg of list) {
		const m = wanted.get(msg.msg_id), first = seen.get(msg.msg_id);

		seen.set(msg.msg_id, msg);
		// pushed once more by the hub that came after one that died
		if (first?.doubtful && first.drops < msg.drops)
			continue;
		if (first)
			complain(`${msg.msg_id} is there twice`);
		if (!m) {
			complain(`${msg.msg_id} was sent to somebody else`);
			continue;
		}
		const from = m.sender.nameFrom(receiver.host);

		if (msg.from !== from)
			complain(`${msg.msg_id} is from ${msg.from}, ` +
			    `not ${from}`);
		if (msg.text !== m.text)
			complain(`${msg.msg_id}: its text has changed: ` +
			    `${msg.text.length} characters, sent ` +
			    `${m.text.length}, ` +
			    JSON.stringify(msg.text.slice(0, 60)));
		if ((msg.kind ?? 'info') !== (m.options.kind ?? 'info') ||
		    (msg.urgent ?? false) !== (m.options.urgent ?? false) ||
		    msg.reply_to !== (m.options.reply_to ?? null))
			complain(`${msg.msg_id}: kind ${msg.kind}, urgent ` +
			    `${msg.urgent}, reply_to ${msg.reply_to}, sent ` +
			    JSON.stringify(m.options));
		if (m.n < (last.get(m.sender) ?? -1))
			complain(`${msg.msg_id} is behind number ` +
			    `${last.get(m.sender)} of its sender`);
		last.set(m.sender, m.n);
	}
	return seen;
}

function sentTo(receiver, sessions)
{
	return new Map(sessions.flatMap(sender => sender.sent
	    .filter(m => m.receiver === receiver)
	    .map(m => [m.msg_id, { ...m, sender }])));
}

function missing(receiver, wanted)
{
	const got = new Set([...receiver.pushes, ...receiver.inbox].map(
	    msg => msg.msg_id));

	return [...wanted.keys()].filter(id => !got.has(id));
}

function some(list)
{
	return `(${list.length}: ${list.slice(0, 20).join(', ')})`;
}

// All is acknowledged and all has arrived; what has not is named.
export async function settle(sessions, ms)
{
	const open = () => sessions.flatMap(s => s.sent.filter(m => !m.acks));
	const late = async receiver => {
		const wanted = sentTo(receiver, sessions);

		if (missing(receiver, wanted).length > 0)
			await receiver.readInbox();
		// what was read and then lost on its way to us is there still
		if (receiver.inboxLost && missing(receiver, wanted).length > 0)
			receiver.inbox.push(...(await receiver.mailbox())
			    .filter(msg => missing(receiver, wanted)
			    .includes(msg.msg_id)));
		return missing(receiver, wanted);
	};
	let lost = [];

	await until('all messages are acknowledged', () =>
	    open().length === 0, ms, () => some(open().map(m =>
	    `${m.msg_id} to ${m.to}`)));
	await until('all messages arrive', async () => {
		lost = (await Promise.all(sessions.map(async s =>
		    (await late(s)).map(id => `${id} to ` +
		    `${s.name}@${s.host.id}`)))).flat();
		return lost.length === 0;
	}, ms, () => some(lost));
}

// Once, from whom and in the order in which it was sent.
export async function checkAll(sessions)
{
	for (const receiver of sessions) {
		const wanted = sentTo(receiver, sessions);

		assert.ok(await receiver.readInbox());
		checkList(receiver, 'pushed', receiver.pushes, wanted);
		checkList(receiver, 'in the inbox', receiver.inbox, wanted);
		const kept = checkList(receiver, 'in the mailbox',
		    await receiver.mailbox(), wanted);

		for (const id of wanted.keys()) {
			if (!kept.has(id))
				receiver.complain(`in the mailbox: no ${id}`);
		}
	}
}

export async function askAll(sessions, asker)
{
	for (const target of sessions.filter(s => s !== asker)) {
		const to = target.nameFrom(asker.host);
		const answer = await asker.ask(to, `where is ${to}?`);
		const asked = target.asked.filter(a =>
		    a.ask_id === answer.ask_id);

		assert.deepEqual([answer.type, answer.text, answer.from],
		    ['incoming_reply', `answer to where is ${to}?`, to],
		    JSON.stringify(answer));
		assert.deepEqual(asked.map(a => a.from),
		    [asker.nameFrom(target.host)]);
	}
}

export async function broadcast(sessions, asker)
{
	const id = `broadcast of ${asker.name} on ${asker.host.id}`;
	const others = sessions.filter(s => s !== asker);
	const ack = await asker.request({ type: 'broadcast',
	    broadcast_id: id, question: 'who is there?' });
	const wanted = others.map(s => s.nameFrom(asker.host)).sort();
	const answers = () => asker.replies.filter(r => r.broadcast_id === id);

	assert.deepEqual([ack.type, ack.broadcast_id, ack.peer_count],
	    ['broadcast_ack', id, others.length], JSON.stringify(ack));
	await until('all answer a broadcast', () =>
	    answers().length >= others.length);
	assert.deepEqual(answers().map(r => r.from).sort(), wanted);
	for (const other of others) {
		const asked = other.asked.filter(a => a.broadcast_id === id);

		assert.equal(asked.length, 1);
		assert.equal(asked[0].from, asker.nameFrom(other.host));
		assert.equal(asked[0].thread_id, id);
	}
}

export async function stopAll(lab, sessions)
{
	await Promise.all(sessions.map(s => s.leave()));
	await Promise.all(lab.hosts.filter(h => h.up).map(h => h.stop()));
	lab.check();
}
