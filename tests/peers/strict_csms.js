// A central system by other people: the npm package ocpp-rpc in strict mode checks every call and answer, both ways,
// against the OCPP 1.6 schemas. Orders come as JSON lines on stdin: {"id": IDENTITY, "method": …, "params": …},
// {"id": IDENTITY, "raw": TEXT, "times": N} sends N times TEXT as one frame, unchecked, or {"quit": true}. Everything that
// happens goes to stdout as JSON lines with `event`. The only argument is the port; preset: any.
'use strict';
const readline = require('node:readline');
const { RPCServer, createRPCError } = require('ocpp-rpc');

const emit = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
const BLOCKED = new Set(['BLOCKED', '04B10C4E']);
const stations = new Map();
let transactions = 100;

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
    return answers[method](params);
  });
});

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const order = JSON.parse(line);
  if (order.quit) {
    await server.close({ code: 1001 });
    process.exit(0);
  }
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
