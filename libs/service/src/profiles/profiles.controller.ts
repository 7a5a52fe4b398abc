import { Body, Controller, HttpCode, HttpStatus, Module, Post, type DynamicModule, type Type } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiOperation,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import { z } from 'zod';
import { Audited } from '../audit/audit-requests.js';
import { RequiresScope } from '../auth/scope.guard.js';
import type { StoredProfile } from './profile-folder.js';
import { Profiles } from './profiles.js';

const MAX_SECONDS = 60;

const CpuProfileRequestSchema = z
  .strictObject({
    seconds: z
      .int()
      .min(1)
      .max(MAX_SECONDS)
      .default(10)
      .describe('How long to record. The profile ends early when the process drains.'),
  })
  .meta({ title: 'CpuProfileRequest' });

const StoredProfileSchema = z
  .object({
    path: z
      .string()
      .describe("On the service's machine, in the folder PROFILE_DIR. Only the service's user may read it."),
    bytes: z.int(),
  })
  .meta({ title: 'StoredProfile' });

const HeapSnapshotRequestedSchema = z
  .object({
    path: z.string().describe('Where the snapshot will be. Until it is complete, the name ends in `.part`.'),
    detail: z.string().describe('What to do next, for people.'),
  })
  .meta({ title: 'HeapSnapshotRequested' });

const FULL = {
  status: HttpStatus.INSUFFICIENT_STORAGE,
  description: 'The folder has 20 profiles, or the profile is too large.',
};

@ApiTags('profiles')
@RequiresScope('ops:profile')
@Controller('ops')
class ProfilesController {
  constructor(private readonly profiles: Profiles) {}

  @Post('cpu-profile')
  @Audited('cpu-profile')
  @ApiOperation({
    summary: 'Take a CPU profile of this process',
    description:
      'Only with the setting PROFILE_DIR; otherwise 404. Records the main thread, and responds when the file is written. It opens in the developer tools of Chrome and in speedscope.',
  })
  @ApiCreatedResponse({ standardSchema: StoredProfileSchema })
  @ApiBadRequestResponse({ description: 'Problem details naming every invalid field' })
  @ApiConflictResponse({ description: 'Problem details: a CPU profile of this process is being taken' })
  @ApiResponse(FULL)
  async takeCpuProfile(
    @Body({ schema: CpuProfileRequestSchema }) { seconds }: z.infer<typeof CpuProfileRequestSchema>,
  ): Promise<StoredProfile> {
    return this.profiles.takeCpuProfile(seconds);
  }

  @Post('heap-snapshot')
  @HttpCode(HttpStatus.ACCEPTED)
  @Audited('heap-snapshot')
  @ApiOperation({
    summary: 'Request a heap snapshot of this process when it stops',
    description:
      'Only with the setting PROFILE_DIR; otherwise 404. The snapshot is written when the process has drained after a stop signal, because it stops the process for seconds. It contains the data and the secrets of the process.',
  })
  @ApiAcceptedResponse({ standardSchema: HeapSnapshotRequestedSchema })
  @ApiResponse(FULL)
  async requestHeapSnapshot(): Promise<z.infer<typeof HeapSnapshotRequestedSchema>> {
    return {
      path: await this.profiles.requestHeapSnapshot(),
      detail: 'Stop the service: the snapshot is written when the process has drained, before it exits.',
    };
  }
}

@Module({})
class ProfilesModule {}

/** Adds the routes of profiles to the module of a service. Without `profiles` they do not exist. */
export function withProfiles(module: Type | DynamicModule, profiles: Profiles | undefined): Type | DynamicModule {
  if (profiles === undefined) return module;
  return {
    module: ProfilesModule,
    imports: [module],
    controllers: [ProfilesController],
    providers: [{ provide: Profiles, useValue: profiles }],
  };
}
