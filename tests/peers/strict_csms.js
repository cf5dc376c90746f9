// A central system by other people: the npm package ocpp-rpc in strict mode checks every call and answer, both ways,
// against the OCPP 1.6 schemas. Orders come as JSON lines on stdin: {"id": IDENTITY, "method": …, "params": …},
// {"id": IDENTITY, "raw": TEXT, "times": N} sends N times TEXT as one frame, unchecked, or {"quit": true}.
// {"answer": METHOD, "when": PARAMS, "with": PAYLOAD} answers calls that have these parameters so from now on, without
// `with` never; {"usual": true} forgets all of these. {"offline": true} ends all connections and takes none until false.
// {"certificate": FILE, "key": FILE} shows another certificate to those that connect with TLS from now on.
// Everything that happens goes to stdout as JSON lines with `event`. The only argument is the port; preset: any.
'use strict';
const readline = require('node:readline');
const { RPCServer, createRPCError } = require('ocpp-rpc');

const read = (path) => require('node:fs').readFileSync(path);
let https;
let ca;
const emit = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
const BLOCKED = new Set(['BLOCKED', '04B10C4E']);
const stations = new Map();
let transactions = 100;
let unusual = [];
let offline = false;

const fits = (params, when) => Object.entries(when || {}).every(([name, value]) => params[name] === value);

function orderedAnswer(method, params) {
  const found = unusual.find((each) => each.answer === method && fits(params, each.when));
  if (!found) return answers[method](params);
  const usual = method in answers ? answers[method](params) : {};
  return found.with && { ...usual, ...found.with };
}

function answered(id, method, params) {
  const result = orderedAnswer(method, params);
  if (!result) return new Promise(() => {});
  emit('answered', { id, method, params, result });
  return result;
}

const answers = {
  Authorize: ({ idTag }) => ({ idTagInfo: { status: BLOCKED.has(idTag) ? 'Blocked' : 'Accepted' } }),
  BootNotification: () => ({ status: 'Accepted', interval: 300, currentTime: new Date().toISOString() }),
  DiagnosticsStatusNotification: () => ({}),
  FirmwareStatusNotification: () => ({}),
  Heartbeat: () => ({ currentTime: new Date().toISOString() }),
  LogStatusNotification: () => ({}),
  MeterValues: () => ({}),
  SecurityEventNotification: () => ({}),
  SignCertificate: () => ({ status: 'Accepted' }),
  SignedFirmwareStatusNotification: () => ({}),
  StartTransaction: () => ({ transactionId: (transactions += 1), idTagInfo: { status: 'Accepted' } }),
  StatusNotification: () => ({}),
  StopTransaction: () => ({}),
};

const server = new RPCServer({ protocols: ['ocpp1.6'], strictMode: true, callTimeoutMs: 10_000 });

server.auth((accept, reject, handshake) => {
  const password = handshake.password ? handshake.password.toString() : '';
  emit('auth', { id: handshake.identity, password });
  if (offline) return reject(503);
  return password === 'wrong' ? reject(401) : accept({});
});

server.on('client', (client) => {
  const id = client.identity;
  stations.set(id, client);
  emit('connect', { id, protocol: client.protocol });
  client.on('strictValidationFailure', ({ method, error, outbound, isCall }) => {
    emit('strict_failure', { id, method, outbound, isCall, error: error && error.message });
  });
  client.on('badMessage', ({ buffer, error }) => emit('bad_message', { id, text: String(buffer), error: String(error) }));
  client.on('disconnect', ({ code }) => emit('disconnect', { id, code }));
  client.handle(({ method, params }) => {
    emit('call', { id, method, params });
    if (!(method in answers)) throw createRPCError('NotImplemented');
    return answered(id, method, params);
  });
});

// Orders that change what happens from now on.
function arranged(order) {
  if ('answer' in order) unusual.unshift(order);
  else if ('usual' in order) unusual = [];
  else if ('certificate' in order) https.setSecureContext({ cert: read(order.certificate), key: read(order.key), ca });
  else if ('offline' in order) {
    offline = order.offline;
    if (offline) for (const client of stations.values()) client.close({ code: 1001, force: true }).catch(() => {});
  } else return false;
  return true;
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const order = JSON.parse(line);
  if (order.quit) {
    await server.close({ code: 1001 });
    process.exit(0);
  }
  if (arranged(order)) return emit('arranged', {});
  if ('raw' in order) {
    stations.get(order.id).sendRaw(order.raw.repeat(order.times || 1));
    return;
  }
  try {
    const result = await stations.get(order.id).call(order.method, order.params);
    emit('result', { method: order.method, result });
  } catch (error) {
    emit('error', { method: order.method, code: error.rpcErrorCode || error.name, text: error.message });
  }
});

server.listen(Number(process.argv[2] || 0), '127.0.0.1').then((http) => emit('listening', { port: http.address().port }));
// With a port, a certificate, its key and an authority it listens with TLS too; a client may show a certificate.
if (process.argv[3]) {
  const [port, cert, key, authority] = process.argv.slice(3);
  ca = read(authority);
  const options = { cert: read(cert), key: read(key), ca, requestCert: true, rejectUnauthorized: false };
  https = require('node:https').createServer(options);
  https.on('upgrade', (request, socket, head) => {
    const shown = socket.getPeerCertificate();
    const link = { version: socket.getProtocol(), cipher: socket.getCipher().standardName, serial: shown.serialNumber || '' };
    emit('tls', { authorized: socket.authorized, subject: (shown.subject || {}).CN || '', ...link });
    server.handleUpgrade(request, socket, head);
  });
  https.on('tlsClientError', (error) => emit('tls_refused', { error: String(error) }));
  https.listen(Number(port), '127.0.0.1');
}
