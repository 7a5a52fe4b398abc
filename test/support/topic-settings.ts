import kafkajs, { type Admin } from 'kafkajs';
import { eventually } from './eventually.js';

const { ConfigResourceTypes } = kafkajs;

/** Gives a topic these settings, removes all others of its own, and waits until the broker shows them: it learns of a change later. */
export async function changeTopicSettings(
  admin: Admin,
  topic: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
  await admin.alterConfigs({ validateOnly: false, resources });
  await eventually(`${topic} has ${JSON.stringify(settings)}`, async () => {
    const found = await topicSettingsOf(admin, topic);
    return Object.entries(settings).every(([name, value]) => found[name] === value);
  });
}

/** Returns the settings of a topic, its own and defaults. */
export async function topicSettingsOf(admin: Admin, topic: string): Promise<Record<string, string>> {
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
  const { resources: found } = await admin.describeConfigs({ includeSynonyms: false, resources });
  return Object.fromEntries(
    found.flatMap(({ configEntries }) => configEntries.map(({ configName, configValue }) => [configName, configValue])),
  );
}
