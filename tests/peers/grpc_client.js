// A gRPC client by other people, the npm package @grpc/grpc-js, which has none of our files: it lists the services by
// reflection and asks for the health of each and of the whole. `node grpc_client.js TARGET [CA [KEY CERTIFICATE]]`;
// without files it speaks plain text. Prints one JSON object: {services, health}, or {code, details} of what it was refused.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const SERVER_NAME = 'server.chargepark'; // certificates name roles: addresses of boards change
const DEADLINE_MS = 10_000;
const [target, ca, key, certificate] = process.argv.slice(2);
const read = (file) => (file ? fs.readFileSync(file) : undefined);
const credentials = ca
  ? grpc.credentials.createSsl(read(ca), read(key), read(certificate))
  : grpc.credentials.createInsecure();
const options = ca ? { 'grpc.ssl_target_name_override': SERVER_NAME } : {};
const say = (answer) => {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  process.exit(0);
};
const refused = ({ code, details }) => say({ code: grpc.status[code], details });
const deadline = () => ({ deadline: Date.now() + DEADLINE_MS });
const stub = (file, name) => {
  const service = name.split('.').reduce((within, each) => within[each], grpc.loadPackageDefinition(
    loader.loadSync(path.join(__dirname, file), { enums: String, keepCase: true }),
  ));
  return new service(target, credentials, options);
};

const health = stub('health.proto', 'grpc.health.v1.Health');
const check = (service) => new Promise((resolve) => {
  health.Check({ service }, deadline(), (error, answer) => resolve([service, error ? grpc.status[error.code] : answer.status]));
});

const listing = stub('reflection.proto', 'grpc.reflection.v1alpha.ServerReflection').ServerReflectionInfo(deadline());
listing.on('error', refused);
listing.on('data', async (answer) => {
  const services = answer.list_services_response.service.map(({ name }) => name).sort();
  say({ services, health: Object.fromEntries(await Promise.all(['', ...services].map(check))) });
});
listing.write({ list_services: '' });
