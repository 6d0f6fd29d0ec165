// Reads [{secret, format, headers, body}] on standard input, the body in base64, and says of each
// what the npm package `standardwebhooks` makes of it: "ok", or its error.
const { Webhook } = require("standardwebhooks");

const judge = ({ secret, format, headers, body }) => {
  try {
    const raw = format === "raw" ? { format: "raw" } : undefined;
    new Webhook(secret, raw).verify(Buffer.from(body, "base64"), headers);
    return "ok";
  } catch (error) {
    return `${error.constructor.name}: ${error.message}`;
  }
};

const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(cases.map(judge)));
