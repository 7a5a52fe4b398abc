import kafkajs, { type Admin } from 'kafkajs';

const { ConfigResourceTypes } = kafkajs;

/** Gives a topic these settings, and removes all others of its own. */
export async function changeTopicSettings(
  admin: Admin,
  topic: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
  await admin.alterConfigs({ validateOnly: false, resources });
}

/** Returns the settings of a topic, its own and defaults. */
export async function topicSettingsOf(admin: Admin, topic: string): Promise<Record<string, string>> {
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
  const { resources: found } = await admin.describeConfigs({ includeSynonyms: false, resources });
  return Object.fromEntries(
    found.flatMap(({ configEntries }) => configEntries.map(({ configName, configValue }) => [configName, configValue])),
  );
}
