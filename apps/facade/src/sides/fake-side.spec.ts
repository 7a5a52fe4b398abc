import { FakeSide } from './testing/fake-side.js';
import { describeWrittenSide } from './testing/written-side-contract.js';

const side = new FakeSide('legacy');
const away = new FakeSide('legacy');
away.isAway = true;

describeWrittenSide('a fake', () => ({ side, away }));
