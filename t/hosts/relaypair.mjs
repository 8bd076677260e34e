// SPDX-License-Identifier: ISC
// Slots of a relay, in which two hubs pair: what is carried, each limit and
// each close code, as an independent client, the package ws, sees them.

import assert from 'node:assert/strict';

import { run } from './relay.mjs';
import { Hub, SECRET, hello, hub, metrics, relay, start, stop } from './relaynode.mjs';

const KIB = 1024;
const GUESSES = 10;
const SLOTS = 1000;

let last = 0;

const slot = () => (++last).toString(16).padStart(32, '0');

async function open(id, more = {})
{
	const h = new Hub();

	await h.opened;
	h.say({ type: 'pair', slot: id, secret: SECRET, ...more });
	return h;
}

async function join(id, url = undefined)
{
	const h = new Hub(url);

	await h.opened;
	h.say({ type: 'pair', slot: id });
	return h;
}

async function pair(id = slot(), url = undefined, seconds = 300)
{
	const a = await open(id);

	assert.deepEqual(await a.next('pair_open'), { type: 'pair_open',
	    seconds });
	const b = await join(id, url);

	for (const end of [a, b])
		assert.deepEqual(await end.next('pair_peer'),
		    { type: 'pair_peer' });
	return [a, b];
}

async function closes(h, code, why)
{
	assert.deepEqual(await h.closed, [code, why]);
	assert.deepEqual(h.got, []);
}

const cases = {};

cases['the relay serves'] = start;

cases['two ends exchange what they like'] = async () => {
	for (const url of [undefined, `wss://127.0.0.1:${relay.ports[1]}/`]) {
		const [a, b] = await pair(slot(), url);

		for (let i = 0; i < 10; i++) {
			a.say({ type: 'pair', data: `a${i}`, more: 'x' });
			b.say({ type: 'pair', data: `b${i}` });
		}
		for (let i = 0; i < 10; i++) {
			assert.deepEqual(await b.next('pair'),
			    { type: 'pair', data: `a${i}` });
			assert.deepEqual(await a.next('pair'),
			    { type: 'pair', data: `b${i}` });
		}
		// what was said last arrives before the end
		a.say({ type: 'pair', data: 'last' });
		await a.end();
		assert.equal((await b.next('pair')).data, 'last');
		await closes(b, 1000, 'peer_gone');
	}
};

cases['an end that dies takes the slot along'] = async () => {
	const id = slot();
	const [a, b] = await pair(id);

	b.ws.terminate();
	await closes(a, 1000, 'peer_gone');
	await closes(await join(id), 4004, 'no_such_slot');
	const again = await open(id);

	await again.next('pair_open');
	again.ws.terminate();
	await again.closed;
};

cases['what is wrong has its code'] = async () => {
	const [a, b] = await pair();
	const id = last.toString(16).padStart(32, '0');

	await closes(await join(id), 4004, 'slot_taken');
	await closes(await open(id), 4004, 'slot_taken');
	await closes(await open(id.toUpperCase()), 4004, 'slot_taken');
	await closes(await open(slot(), { secret: 'wrong' }), 4003,
	    'auth_failed');
	await closes(await open(slot(), { secret: `${SECRET}x` }), 4003,
	    'auth_failed');
	for (const more of [{ slot: 5 }, { slot: 'x' }, { slot: '' },
	    { slot: 'g'.repeat(32) }, { slot: '0'.repeat(33) },
	    { secret: 5 }, { secret: null }, { type: 'pears' }])
		await closes(await open(slot(), more), 4001,
		    'expected_bridge_hello');
	// of a wrong shape, or not to be understood: nothing comes of it
	a.say({ type: 'pair' });
	a.say({ type: 'pair', data: 5 });
	a.say({ type: 'bridge_forward', target_peer: 'x@y', wrapped: {} });
	a.say(hello('alpha'));
	b.say({ type: 'pair', data: 'still here' });
	assert.equal((await a.next('pair')).data, 'still here');
	b.ws.send('nonsense');
	await closes(b, 4005, 'bad_json');
	await closes(a, 1000, 'peer_gone');
};

cases['what comes too early is not kept'] = async () => {
	const id = slot();
	const a = await open(id);

	a.say({ type: 'pair', data: 'early' });
	a.say({ type: 'pair', data: 'early' });
	await a.next('pair_open');
	a.ws.ping();
	await new Promise(resolve => a.ws.once('pong', resolve));
	const b = await join(id);

	await b.next('pair_peer');
	a.say({ type: 'pair', data: 'late' });
	assert.equal((await b.next('pair')).data, 'late');
	await b.end();
};

cases['64 KiB each way and no more'] = async () => {
	const [a, b] = await pair();
	const wrap = '{"type":"pair","data":""}'.length;
	const data = 'x'.repeat(16 * KIB - wrap);

	for (const [from, to] of [[a, b], [b, a]]) {
		for (let i = 0; i < 4; i++)
			from.say({ type: 'pair', data });
		for (let i = 0; i < 4; i++)
			assert.equal((await to.next('pair')).data, data);
	}
	a.say({ type: 'pair', data: '' });
	await closes(a, 1009, 'too_large');
	await closes(b, 1000, 'peer_gone');
	const [c, d] = await pair();

	d.say({ type: 'pair', data: 'x'.repeat(64 * KIB) });
	assert.equal((await d.closed)[0], 1009);
	await closes(c, 1000, 'peer_gone');
};

cases['hubs are none of their business'] = async () => {
	const h = await hub('alpha', { features: ['hubs', 'seal'] });
	const [a, b] = await pair();

	a.say({ type: 'pair', data: 'x' });
	await b.next('pair');
	await Promise.all([a.end(), b.end()]);
	assert.deepEqual(h.got, []);
	await h.end();
};

cases['a thousand slots'] = async () => {
	const all = [];

	for (let i = 0; i < SLOTS; i += 50) {
		const some = await Promise.all(Array.from({ length: 50 },
		    () => open(slot())));

		await Promise.all(some.map(h => h.next('pair_open')));
		all.push(...some);
	}
	await closes(await open(slot()), 4006, 'max_slots_reached');
	assert.match(await metrics(), /^ecorelay_pairs 1000$/m);
	await Promise.all(all.map(h => h.end()));
	const h = await open(slot());

	await h.next('pair_open');
	await h.end();
};

cases['who guesses is not let in'] = async () => {
	const id = slot();

	// one of this minute's is above
	for (let i = 0; i < GUESSES - 1; i++)
		await closes(await join(slot()), 4004, 'no_such_slot');
	const a = await open(id);

	await a.next('pair_open');
	await closes(await join(slot()), 4003, 'rate_limited');
	await closes(await join(id), 4003, 'rate_limited');
	await a.end();
	const page = await metrics();

	assert.match(page, /^ecorelay_pairs 0$/m);
	assert.match(page, /^ecorelay_pairs_joined_total 8$/m);
	assert.match(page, /^ecorelay_pairs_refused_total 18$/m);
};

cases['the relay stops'] = async () => {
	const a = await open(slot());

	await a.next('pair_open');
	await stop();
	await closes(a, 1012, 'the relay stops');
};

cases['a slot does not stay for ever'] = async () => {
	await start('pair timeout 1 second\n');
	const id = slot();
	const alone = await open(id);
	const [a, b] = await pair(slot(), undefined, 1);

	await alone.next('pair_open');
	for (const h of [alone, a, b])
		await closes(h, 4001, 'pair_timeout');
	await closes(await join(id), 4004, 'no_such_slot');
	await stop();
};

await run('relaypair.mjs', cases);
