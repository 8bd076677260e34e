// SPDX-License-Identifier: ISC
// A relay between two hubs that loses, repeats, reorders and changes what it
// carries: they notice, begin anew, and each message comes once, sealed.

import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import tls from 'node:tls';

import { run, until } from './relay.mjs';
import { Authority, FakeRelay, Site } from './uplinknode.mjs';

const EACH = 20;		// messages in each direction, at a time
const SECRET = 'nobody else may read this';
// Long enough not to be in what is sealed by chance.
const WORDS = /nobody else|annabella|bobadilla|bridge_|incoming_/;
const cases = {};
const t = {};

const isRecord = m => m.wrapped?.type === 'seal' && m.wrapped.end !== true;
const sids = () => new Set(t.relay.said.map(([, text]) =>
    JSON.parse(text).wrapped?.sid).filter(sid => sid));

// It belongs to no handshake: what breaks there makes hubs wait for longer.
const late = (from, m) => m.wrapped.seq >= (from === 'alpha' ? 4 : 3);

// A relay and two hubs with a session each, made once.
async function stage()
{
	if (t.relay)
		return;
	t.relay = await new FakeRelay({ kind: 'seal' }).start();
	t.honest = t.relay.forward;
	t.alpha = new Site('alpha');
	t.beta = new Site('beta');
	for (const s of [t.alpha, t.beta])
		await s.start(s.relay(t.relay.url));
	t.n = t.i = 0;
}

// Sessions of each case are its own, and its relay is honest at first.
async function sessions()
{
	await stage();
	t.relay.forward = t.honest;
	await Promise.all([t.alpha.endSessions(), t.beta.endSessions()]);
	t.n++;
	t.ann = await t.alpha.session(`annabella${t.n}`);
	t.bob = await t.beta.session(`bobadilla${t.n}`);
	await t.alpha.sees(t.ann, t.bob.name + '@beta');
	await t.beta.sees(t.bob, t.ann.name + '@alpha');
	t.relay.said = [];
}

const came = (s, text) => s.pushes.filter(p => p.content === text).length;

// Sends both ways while the relay is evil, and until each one has come.
async function talk()
{
	const sent = [];
	const both = [[t.ann, t.bob, 'beta'], [t.bob, t.ann, 'alpha']];

	for (let i = 0; i < EACH; i++) {
		for (const [from, to, hub] of both) {
			const text = `${SECRET} ${t.i++} ${from.name}`;

			await from.call('relay_send', { to:
			    `${to.name}@${hub}`, text });
			sent.push([to, text]);
		}
	}
	for (const [to, text] of sent)
		await until(`${to.name} has: ${text}`, () => came(to, text));
	return sent;
}

// That each came once, and what the relay has seen is all sealed.
function proveOnce(sent)
{
	for (const [to, text] of sent)
		assert.equal(came(to, text), 1, `${to.name}: ${text}`);
	for (const [, text] of t.relay.said) {
		const m = JSON.parse(text);

		assert.equal(m.type, 'bridge_forward', text);
		assert.equal(m.wrapped.type, 'seal', text);
		assert.match(m.target_peer, /^@(alpha|beta)$/);
		assert.deepEqual(Object.keys(m.wrapped).filter(k =>
		    !['type', 'sid', 'seq', 'data', 'end'].includes(k)), []);
		assert.ok(!Buffer.from(m.wrapped.data ?? '', 'base64')
		    .toString('latin1').match(WORDS), text);
	}
}

// A relay that is evil so often, then honest.  Returns the sessions' ids.
async function evil(times, forward)
{
	let left = times;

	await sessions();
	t.relay.forward = (from, to, m) => {
		if (left > 0 && isRecord(m) && forward(from, to, m))
			left--;
		else
			t.honest.call(t.relay, from, to, m);
	};
	const sent = [];

	while (left > 0)
		sent.push(...await talk());
	t.relay.forward = t.honest;
	await t.alpha.link('beta');
	await t.beta.link('alpha');
	proveOnce(sent);
	return sids();
}

const pass = (...args) => t.honest.apply(t.relay, args);
const change = (m, more) => ({ ...m, wrapped: { ...m.wrapped, ...more } });

cases['one that is honest'] = async () => {
	await sessions();
	const sent = await talk();

	proveOnce(sent);
	assert.equal(sids().size, 1);
};

cases['one that loses records'] = async () => {
	const ids = await evil(3, (from, to, m) => late(from, m) &&
	    m.wrapped.seq % 2 === 0);

	assert.ok(ids.size >= 2, 'nobody has noticed');
};

cases['one that repeats records'] = async () => {
	const ids = await evil(20, (...args) => {
		pass(...args);
		pass(...args);
		return true;
	});

	// that does no harm at all
	assert.equal(ids.size, 1);
};

cases['one that exchanges records'] = async () => {
	const held = {};
	const ids = await evil(3, (from, to, m) => {
		const sid = m.wrapped.sid;

		if (held[from]?.wrapped.sid === sid) {
			pass(from, to, m);
			pass(from, to, held[from]);
			delete held[from];
			return true;
		}
		if (!late(from, m))
			return false;
		held[from] = m;
		setTimeout(() => {
			if (held[from] === m) {
				delete held[from];
				pass(from, to, m);
			}
		}, 500);
		return true;
	});

	assert.ok(ids.size >= 1);
};

cases['one that changes a bit of a record'] = async () => {
	const ids = await evil(3, (from, to, m) => {
		const data = Buffer.from(m.wrapped.data, 'base64');

		if (!late(from, m))
			return false;
		data[data.length - 1] ^= 1;
		pass(from, to, change(m, { data: data.toString('base64') }));
		return true;
	});

	assert.ok(ids.size >= 2, 'nobody has noticed');
};

cases['one that changes a bit of a handshake'] = async () => {
	let broken = 0;

	await evil(4, (from, to, m) => {
		const data = Buffer.from(m.wrapped.data, 'base64');

		// it ends the session first
		if (m.wrapped.seq > 3 && broken++ === 0)
			return true;
		if (m.wrapped.seq > 2)
			return false;
		data[data.length >> 1] ^= 0x10;
		pass(from, to, change(m, { data: data.toString('base64') }));
		return true;
	});
};

cases['one that sends what is no base64, or too much'] = async () => {
	const data = ['', '!!!!', 'AAA', 'A===', 'x'.repeat(262148),
	    'AAAA'.repeat(65536), 5, null, {}];
	const ids = await evil(data.length, (from, to, m) => {
		if (!late(from, m))
			return false;
		pass(from, to, change(m, { data: data.pop() }));
		return true;
	});

	assert.ok(ids.size >= 2, 'nobody has noticed');
};

cases['one that changes numbers and ids'] = async () => {
	const with_ = [{ seq: 1e9 }, { seq: 0 }, { seq: -1 }, { seq: '3' },
	    { seq: 2 ** 63 }, { sid: 'f'.repeat(32) }, { sid: 'F'.repeat(32) },
	    { sid: '' }, { sid: 7 }, { end: true }, { type: 'x' }];

	await evil(with_.length, (from, to, m) => {
		if (!late(from, m))
			return false;
		pass(from, to, change(m, with_.pop()));
		return true;
	});
};

cases['one that says that sessions have ended'] = async () => {
	await evil(4, (from, to, m) => {
		if (!late(from, m))
			return false;
		pass(from, to, m);
		pass(from, to, change(m, { end: true, data: undefined,
		    seq: undefined }));
		return true;
	});
};

// A session of before comes again, from its beginning, to both of them.
cases['one that plays an old session again'] = async () => {
	const old = [];

	await evil(1, (from, to, m) => {
		old.push([from, to, m]);
		if (m.wrapped.seq < 12)
			return false;
		return true;	// lost: the next session begins
	});
	await sessions();
	const sent = await talk();

	for (const [from, to, m] of old)
		pass(from, to, m);
	for (const [from, to, m] of old)
		pass(from, to, change(m, { sid: 'ab'.repeat(16) }));
	// and to where it came from
	for (const [from, to, m] of old)
		pass(to, from, m);
	sent.push(...await talk());
	proveOnce(sent);
	// what was said of it besides: that it is not known
	const begun = t.relay.said.map(([, text]) => JSON.parse(text).wrapped)
	    .filter(w => w.seq === 1 && !w.end);

	assert.ok(begun.length <= 2, JSON.stringify(begun).slice(0, 1000));
};

cases['one that reflects records'] = async () => {
	await evil(5, (from, to, m) => {
		if (!late(from, m))
			return false;
		pass(from, to, m);
		pass(to, from, m);
		return true;
	});
};

cases['one that does not say who is there, or lies'] = async () => {
	await sessions();
	// not one of its own words makes a session of the other in the clear
	t.relay.say('alpha', { type: 'bridge_peer_update', action: 'join',
	    peer: { name: 'evil@beta', cwd: '/', git_branch: '',
		last_seen: 1 } });
	t.relay.say('alpha', { type: 'bridge_forward', target_peer:
	    `${t.ann.name}@alpha`, origin_hub: 'beta', wrapped: {
		type: 'incoming_message', msg_id: 'm-evil', from: t.bob.name,
		text: 'evil', reply_to: null, ts: '2026-01-01T00:00:00Z' } });
	t.relay.say('alpha', { type: 'relay_hub', action: 'leave',
	    hub_id: 'beta' });
	await t.alpha.noLink('beta');
	// and what it has of its own now is plain
	t.relay.say('alpha', { type: 'bridge_peer_update', action: 'join',
	    peer: { name: `${t.bob.name}@beta`, cwd: '/', git_branch: '',
		last_seen: 1 } });
	const { msg_id, status } = await t.ann.call('relay_send', { to:
	    `${t.bob.name}@beta`, text: `${SECRET} while it is away` });

	assert.equal(status, 'queued');
	t.relay.say('alpha', { type: 'relay_hub', action: 'join',
	    hub_id: 'alpha' });
	t.relay.say('alpha', { type: 'relay_hub', action: 'join',
	    hub_id: 'not a hub' });
	t.relay.say('alpha', { type: 'relay_hub', action: 'join',
	    hub_id: 'beta' });
	const push = await t.bob.push({ msg_id });

	assert.match(push.content, /while it is away/);
	await t.alpha.sees(t.ann, `${t.bob.name}@beta`);
	assert.deepEqual(t.ann.pushes, []);
	proveOnce([]);
};

// A relay at which zulu is, and hubs of its own that begin sessions with it.
async function invention()
{
	const relay = await new FakeRelay({ kind: 'seal' }).start();
	const zulu = new Site('zulu');

	await zulu.start(zulu.relay(relay.url));
	await zulu.uplink('up');
	return { relay, zulu,
	    joins: hub_id => relay.say('zulu', { type: 'relay_hub',
		action: 'join', hub_id }),
	    record: (from, wrapped) => relay.say('zulu', {
		type: 'bridge_forward', target_peer: '@zulu',
		origin_hub: from, wrapped: { type: 'seal', ...wrapped } }) };
}

cases['hubs that begin more sessions than are accepted'] = async () => {
	const { relay, zulu, joins, record } = await invention();
	const ended = [];
	// of TLS the first bytes, so that more has to come
	const data = Buffer.from([22, 3, 1, 2, 0, 1]).toString('base64');
	const sid = i => i.toString(16).padStart(32, '0');

	relay.forward = (from, to, { wrapped }) => {
		assert.equal(wrapped.end, true);
		ended.push(wrapped.sid);
	};
	for (let i = 0; i < 300; i++) {
		joins(`hub-${i}`);
		record(`hub-${i}`, { sid: sid(i), seq: 1, data });
	}
	// of that one it knows nothing, either
	record('hub-0', { sid: sid(1000), seq: 2, data });
	await until('all have come', () => ended.includes(sid(1000)));
	for (let i = 256; i < 300; i++)
		assert.ok(ended.includes(sid(i)), `${i} of ${ended.length}`);
	// one ends, another may begin
	record('hub-0', { sid: sid(0), end: true });
	record('hub-299', { sid: sid(299), seq: 1, data });
	record('hub-0', { sid: sid(1001), seq: 2, data });
	await until('the last one has come', () =>
	    ended.includes(sid(1001)));
	assert.equal(ended.filter(s => s === sid(299)).length, 1);
	await zulu.end();
	relay.stop();
};

cases['a first line that is too long'] = async () => {
	const { relay, zulu, joins, record } = await invention();
	const { cert, key } = new Authority('hub-1').ed25519();
	let sent = 0, ended = false;
	const sid = '1'.repeat(32);
	const stream = new Duplex({ read() {},
	    write: (data, encoding, done) => {
		record('hub-1', { sid, seq: ++sent,
		    data: data.toString('base64') });
		done();
	    } });

	relay.forward = (from, to, { wrapped }) => {
		if (wrapped.end)
			ended = true;
		else
			stream.push(Buffer.from(wrapped.data, 'base64'));
	};
	joins('hub-1');
	const client = tls.connect({ socket: stream, cert, key,
	    minVersion: 'TLSv1.3', rejectUnauthorized: false });

	client.on('error', () => {});
	client.write(`{"type":"bridge_hello","hub_id":"hub-1","secret":"",` +
	    `"protocol_version":"5","peers":[],"x":"${'x'.repeat(16384)}`);
	await until('it is ended', () => ended);
	await until('the log says why', () =>
	    /hub hub-1 .*(a line over the limit|before it is its turn)/
		.test(zulu.said()));
	client.destroy();
	await zulu.end();
	relay.stop();
};

cases['all ends well'] = async () => {
	await Promise.all([t.alpha.end(), t.beta.end()]);
	t.relay.stop();
};

await run('uplinkevil.mjs', cases);
