// An energy manager by other people: the npm package @grpc/grpc-js with our .proto file. It watches the park, sets a
// limit on a circuit once a charge point has more, and goes on watching until that has lapsed.
// `node limit_client.js TARGET PROTO_FOLDER CA KEY CERTIFICATE CIRCUIT CHARGE_POINT LIMIT_MA VALID_SECONDS`.
// Prints one JSON object: {effect, explained, seen: [{limit, granted}]}, or {code, details} of what it was refused.
'use strict';
const fs = require('node:fs');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const SERVER_NAME = 'server.chargepark'; // certificates name roles: addresses change
const PATIENCE_MS = 60_000;
const [target, protos, ca, key, certificate, circuit, point, limit, seconds] = process.argv.slice(2);
const read = (file) => fs.readFileSync(file);
const { EnergyManager } = grpc.loadPackageDefinition(
  loader.loadSync('nodes/rpc/energy.proto', { includeDirs: [protos], keepCase: true, longs: Number, defaults: true }),
).chargepark.v1;
const energy = new EnergyManager(
  target,
  grpc.credentials.createSsl(read(ca), read(key), read(certificate)),
  { 'grpc.ssl_target_name_override': SERVER_NAME },
);
const deadline = () => ({ deadline: Date.now() + PATIENCE_MS });
const say = (answer) => {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  process.exit(0);
};
const refused = ({ code, details }) => say({ code: grpc.status[code], details });
const ask = (method, request) => new Promise((resolve) => {
  energy[method](request, deadline(), (error, answer) => (error ? refused(error) : resolve(answer)));
});

const told = { effect: null, explained: null, seen: [] };
const watch = energy.WatchPark({}, deadline());
watch.on('error', refused);
watch.on('data', async (park) => {
  const granted = park.charge_points.find(({ name }) => name === point)?.share?.granted_ma ?? 0;
  const holds = park.circuits.find(({ name }) => name === circuit)?.phases[0].limit_ma;
  const lapsed = told.seen.some((each) => each.limit <= limit);
  told.seen.push({ limit: holds, granted });
  if (told.effect === null && granted > limit) {
    told.effect = {}; // asked once
    told.seen.length = 0;
    told.effect = await ask('SetLimit', { circuit, limit_ma: [Number(limit)], valid_seconds: Number(seconds) });
  } else if (told.explained === null && holds <= limit && granted <= limit) {
    told.explained = {};
    told.explained = await ask('Explain', { charge_point: point });
  } else if (lapsed && holds > limit && granted > limit && told.explained?.text) {
    say(told);
  }
});
