export { anAttempt } from './an-attempt.js';
export { AttemptHistory, FencedSink, type Anomaly, type HistoricRecord, type SeenAttempt } from './attempt-history.js';
export { FakeBroker, type FakeBrokerOptions } from './fake-broker.js';
export { FakeKafka, type AppendOptions, type FakeTransaction } from './fake-kafka.js';
export { ManualClock, settle } from '@orders-pipeline/clock/testing';
