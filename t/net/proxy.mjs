// SPDX-License-Identifier: ISC
// Between two hubs: passes on what a TCP connection carries, writes it to a
// file for each direction of each connection, and cuts it when it is told to.
// usage: proxy.mjs address port to-address to-port directory
// On the IPC channel: {cut: n} cuts after n more bytes and answers {cut: n}.

import fs from 'node:fs';
import net from 'node:net';

const [address, port, toAddress, toPort, dir] = process.argv.slice(2);
let connections = 0, cut = null;

function pass(from, to, file)
{
	from.on('error', () => {});	// it is closed, too
	from.on('close', () => to.destroy());
	from.on('data', data => {
		fs.appendFileSync(file, data);
		if (cut !== null && (cut.left -= data.length) <= 0) {
			process.send({ cut: cut.after });
			cut = null;
			from.destroy();
			to.destroy();
			return;
		}
		if (!to.write(data)) {
			from.pause();
			to.once('drain', () => from.resume());
		}
	});
}

const server = net.createServer(caller => {
	const called = net.connect(Number(toPort), toAddress);
	const name = `${dir}/wire.${connections++}`;

	pass(caller, called, `${name}.forth`);
	pass(called, caller, `${name}.back`);
});

process.on('message', msg => {
	cut = { after: msg.cut, left: msg.cut };
});
process.on('disconnect', () => process.exit(0));
server.listen(Number(port), address, () => process.send({ ready: true }));
