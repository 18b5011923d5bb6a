// The library on a Node.js that is too old says so, instead of failing at the first thing that is missing there.
// Imported before everything else, and everything else names no export of Node.js that older ones lack,
// since that would fail before any line is run (a test sees to it).

const OLDEST = 24;
const { node } = process.versions;

if (Number(node.split('.')[0]) < OLDEST) {
  throw new Error(
    `table6 needs Node.js ${OLDEST} or newer, and this is Node.js ${node}: install a newer one.`,
  );
}
